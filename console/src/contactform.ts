// A customer as an agent types them: from a card, or from nothing but a call; what is wrong with each field; what goes over REST. Pure.
import type { ContactBody } from './api'
import { looksLikeNumber } from './format'
import type { CallView, ContactView } from './protocol'

export const FLAGS = ['do_not_call', 'recording_refused', 'complaint_open', 'deletion_requested'] as const
/** Languages offered; a card that has another keeps it. */
export const LANGUAGES = ['en', 'de', 'fr', 'es', 'it', 'nl', 'pl', 'tr', 'ar', 'zh-Hant', 'zh-Hans', 'ja'] as const

const NAME_MAX = 200
const NUMBER_MAX = 64
const LABEL_MAX = 40

export interface Filled {
  name: string
  company: string
  language: string
  numbers: { typed: string; label: string }[]
  flags: string[]
}

/** Message keys by field: `name`, `company`, `number 0`, `label 0`. */
export type Wrong = Readonly<Record<string, 'nameOrCompany' | 'badNumber' | 'tooLongName' | 'tooLongLabel'>>

export function fromContact(contact: ContactView): Filled {
  return {
    name: contact.name,
    company: contact.company,
    language: contact.language,
    numbers: contact.numbers.map((number) => ({ typed: number.typed || number.e164, label: number.label })),
    flags: contact.flags.filter(isFlag),
  }
}

/** What the call tells about a stranger: the number, and the name they gave in the menu. A network's name is a claim, not filled in. */
export function fromCall(call: CallView, name: string): Filled {
  return {
    name,
    company: '',
    language: call.journey?.language ?? '',
    numbers: [{ typed: call.number_shown || call.number, label: '' }],
    flags: [],
  }
}

export function wrongWith(filled: Filled): Wrong {
  const wrong: Record<string, Wrong[string]> = {}
  if (!filled.name.trim() && !filled.company.trim()) wrong['name'] = 'nameOrCompany'
  for (const field of ['name', 'company'] as const) if (filled[field].trim().length > NAME_MAX) wrong[field] = 'tooLongName'
  filled.numbers.forEach(({ typed, label }, index) => {
    if (typed.trim() && (!looksLikeNumber(typed) || typed.trim().length > NUMBER_MAX)) wrong[`number ${index}`] = 'badNumber'
    if (label.trim().length > LABEL_MAX) wrong[`label ${index}`] = 'tooLongLabel'
  })
  return wrong
}

/** All that was filled in; lines left empty are none. */
export function bodyOf(filled: Filled): Required<Omit<ContactBody, 'call'>> {
  return {
    name: filled.name.trim(),
    company: filled.company.trim(),
    language: filled.language,
    numbers: filled.numbers.map(({ typed, label }) => ({ typed: typed.trim(), label: label.trim() })).filter((one) => one.typed),
    flags: FLAGS.filter((flag) => filled.flags.includes(flag)),
  }
}

/** Only what became another: the rest may have changed in the customer system meanwhile. */
export function changesOf(filled: Filled, contact: ContactView): Omit<ContactBody, 'call'> {
  const [now, before] = [bodyOf(filled), bodyOf(fromContact(contact))]
  const changed = Object.entries(now).filter(([field, value]) => JSON.stringify(value) !== JSON.stringify(before[field as keyof typeof before]))
  return Object.fromEntries(changed)
}

function isFlag(flag: string): boolean {
  return (FLAGS as readonly string[]).includes(flag)
}

export const LIMITS = { tooLongName: NAME_MAX, tooLongLabel: LABEL_MAX } as const
