// The work that belongs to a call: its note, its result, and the list of today's calls.
import { api, ApiError, type Interaction, type ResultChoice } from './api'
import { desk, reason } from './console.svelte'
import { Draft } from './drafts'
import { t } from './i18n/index.svelte'
import { remember, remembered, rememberedKeys } from './memory'
import { notices } from './notices.svelte'
import type { CallView, CustomerCard } from './protocol'

export interface DraftView {
  text: string
  state: Draft['state']
}

class Work {
  /** Today's, newest first, as the record has them. */
  record = $state.raw<Interaction[]>([])
  recordState = $state<'loading' | 'there' | 'failed'>('loading')
  cursor = $state<string | null>(null)
  drafts = $state<Record<string, DraftView>>({})
  picks = $state<Record<string, string>>({})
  saving = $state<string | null>(null)
  /** Cards of finished calls, asked for when somebody looks at one. */
  pastCards = $state.raw<Record<string, CustomerCard>>({})

  #drafts = new Map<string, Draft>()
  #refresh: ReturnType<typeof setTimeout> | undefined

  constructor() {
    desk.whenLive.push(() => {
      for (const draft of this.#drafts.values()) draft.flush()
      for (const key of rememberedKeys(`draft.${desk.me?.agent}.`)) this.open(key.split('.').slice(2).join('.'))
      void this.load()
    })
    desk.whenEnded.push((call) => {
      remember(`wrapping.${desk.me?.agent}`, call.call)
      this.#loadSoon()
    })
    desk.mayReload = () =>
      desk.desk.finished.length === 0 && [...this.#drafts.values()].every((draft) => draft.state !== 'dirty' && draft.state !== 'saving')
  }

  // ---- today's calls

  async load(more = false): Promise<void> {
    const midnight = new Date()
    midnight.setHours(0, 0, 0, 0)
    try {
      const page = await api.mine(midnight.toISOString(), more ? this.cursor : null)
      this.record = more ? [...this.record, ...page.items] : page.items
      this.cursor = page.cursor ?? null
      this.recordState = 'there'
      if (!more) this.#takeUpAgain()
    } catch {
      if (this.recordState !== 'there') this.recordState = 'failed'
    }
  }

  #loadSoon(): void {
    clearTimeout(this.#refresh)
    this.#refresh = setTimeout(() => void this.load(), 1200) // the record is written in groups, just after the call
  }

  /** After a reload: the call that was being wrapped up is on the screen again. */
  #takeUpAgain(): void {
    const key = `wrapping.${desk.me?.agent}`
    const call = remembered(key)
    const past = this.record.find((one) => one.call === call)
    if (past?.result) remember(key, null)
    else if (past && desk.shown.kind === 'idle') this.look(past.call)
  }

  /** Show a finished call, with its customer as the CRM has it now. */
  look(call: string): void {
    desk.show({ kind: 'call', call })
    const past = this.record.find((one) => one.call === call)
    if (past && !desk.card(call)) void this.#loadCard(past)
  }

  async #loadCard(past: Interaction): Promise<void> {
    if (past.call in this.pastCards) return
    const put = (card: Partial<CustomerCard>) => {
      this.pastCards = { ...this.pastCards, [past.call]: { ...emptyCard(past.call), ...card } }
    }
    if (!past.contact) return put({ state: numberOf(past) ? 'unknown' : 'withheld' })
    put({ state: 'asking' })
    try {
      const { contact, history } = await api.customer(past.contact)
      put({ state: 'found', contacts: [contact], chosen: contact.id, history: history.filter((one) => one.call !== past.call) })
    } catch (error) {
      put({ state: 'unavailable', reason: error instanceof ApiError ? error.message : '' })
    }
  }

  /** A call of mine by its id: live, just finished, or from the record. */
  call(id: string): CallView | undefined {
    const known = desk.desk.calls[id] ?? desk.desk.finished.find((one) => one.call === id)
    if (known) return known
    const past = this.record.find((one) => one.call === id)
    return past && asCall(past)
  }

  card(id: string): CustomerCard | undefined {
    return desk.card(id) ?? this.pastCards[id]
  }

  // ---- notes

  /** The note of a call; opened once, then followed. */
  open(call: string): Draft {
    const known = this.#drafts.get(call)
    if (known) return known
    const draft = new Draft(desk.me?.agent ?? '', call, { load: api.draft, save: api.saveDraft }, (one) => {
      this.drafts[one.call] = { text: one.text, state: one.state }
    })
    this.#drafts.set(call, draft)
    this.drafts[call] = { text: draft.text, state: draft.state }
    void draft.load(this.record.find((one) => one.call === call)?.note)
    return draft
  }

  edit(call: string, text: string): void {
    desk.typed()
    this.open(call).edit(text)
  }

  // ---- results

  /** This queue's results, its own before the general ones. */
  choices(queue: string): ResultChoice[] {
    const all = desk.session?.site.results ?? []
    const own = all.filter((one) => one.queues.includes(queue))
    return [...own, ...all.filter((one) => one.queues.length === 0)]
  }

  picked(call: string): string {
    return this.picks[call] ?? remembered(this.#pickKey(call)) ?? this.record.find((one) => one.call === call)?.result ?? ''
  }

  pick(call: string, code: string): void {
    this.picks[call] = code
    remember(this.#pickKey(call), code)
  }

  #pickKey(call: string): string {
    return `pick.${desk.me?.agent}.${call}`
  }

  /** Put note and result on record. `false`: a result is still wanted. */
  async save(call: CallView): Promise<boolean> {
    const code = this.picked(call.call)
    const ended = call.state === 'ended'
    if (ended && code === '' && this.choices(call.queue).length > 0) return false
    const draft = this.open(call.call)
    const text = draft.text
    this.saving = call.call
    try {
      if (code) await api.saveResult(call.call, code, text)
      else await api.saveNote(call.call, text)
    } catch (error) {
      notices.show('bad', t().saveFailed(reason(error)))
      return true
    } finally {
      this.saving = null
    }
    if (draft.text === text) {
      draft.settle()
      void api.saveDraft(call.call, '').catch(() => {}) // or an older draft would come up in place of the note
    }
    notices.show('good', t().saved)
    notices.polite = t().saved
    if (ended) this.#done(call.call, code, text)
    return true
  }

  #done(call: string, code: string, note: string): void {
    const label = this.choices('').concat(desk.session?.site.results ?? []).find((one) => one.code === code)?.label ?? code
    this.record = this.record.map((one) => (one.call === call ? { ...one, result: code, result_label: label, note } : one))
    this.#drafts.get(call)?.close()
    this.#drafts.delete(call)
    delete this.drafts[call]
    delete this.picks[call]
    remember(this.#pickKey(call), null)
    remember(`wrapping.${desk.me?.agent}`, null)
    desk.settled(call)
    this.#loadSoon()
  }
}

function emptyCard(call: string): CustomerCard {
  return { call, state: 'asking', contacts: [], chosen: null, number_says: [], reason: '', source: '', as_of: null, history: [], calls_24h: 0 }
}

export function numberOf(past: Interaction): string {
  return past.direction === 'outbound' ? past.dnis : past.ani
}

function asCall(past: Interaction): CallView {
  const number = numberOf(past)
  return {
    call: past.call,
    pbx: '',
    direction: past.direction,
    state: 'ended',
    since: past.ended_at,
    offered_at: past.offered_at,
    answered_at: past.answered_at,
    ended_at: past.ended_at,
    number,
    number_shown: number,
    region: '',
    name: past.ani_name,
    dnis: past.dnis,
    dnis_label: '',
    queue: past.queue,
    waited_s: past.wait_s,
    keys: past.keys,
    journey: past.journey ?? null,
    parties: [],
    actions: [],
    outcome: past.outcome,
    talk_s: past.talk_s,
    hold_s: past.hold_s,
    has_spoken: past.answered_at !== null,
    recording: 'off',
    recording_resumes_at: null,
    parked_in: '',
  }
}

export const work = new Work()
