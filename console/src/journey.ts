// A caller's way through the IVR, as few words as say it. Pure.
import type { CustomerCard, JourneyStep, JourneyView } from './protocol'
import { contactOf } from './state'

export interface Crumb {
  text: string
  /** They said who they are, and it was right. */
  isProven: boolean
  isHard: boolean
  /** What was hard about it. */
  note: string
}

/** The words of the language in use. */
export interface Words {
  askedTimes: (times: number) => string
  left: Record<JourneyStep['how'], string>
}

const ASKED_OFTEN = 2 // failures: asked three times
const SAYS_WHO = new Set(['identify', 'authenticate'])
/** What says nothing of the caller unless it fails; their language is told beside it. */
const BEHIND_THE_SCENES = new Set(['say', 'language', 'branch', 'hours', 'set', 'http', 'hang_up'])

/** The steps that tell something, as one line tells them. */
export function crumbs(journey: JourneyView, words: Words): Crumb[] {
  return journey.steps
    .filter((step) => isHard(step) || !BEHIND_THE_SCENES.has(step.kind))
    .map((step) => ({
      text: step.choice || step.label,
      isProven: SAYS_WHO.has(step.kind) && hasWorked(step),
      isHard: isHard(step),
      note: hasWorked(step) ? askedOften(step, words) : (words.left[step.how] ?? step.how),
    }))
}

export function isHard(step: JourneyStep): boolean {
  return step.failures >= ASKED_OFTEN || !hasWorked(step)
}

function askedOften(step: JourneyStep, words: Words): string {
  return step.failures >= ASKED_OFTEN ? words.askedTimes(step.failures + 1) : ''
}

export function hasWorked(step: JourneyStep): boolean {
  return step.how === 'done'
}

const SEPARATOR = 2
const SIGN = 3

/** Steps left out. */
export interface Gap {
  steps: number
  isHard: boolean
}

/** What fits into `width` (Latin letters; Chinese ones count twice). What goes is in the middle; then the first; what was hard goes after that, and the last step never. */
export function elided(all: readonly Crumb[], width: number): (Crumb | Gap)[] {
  const left = [...all]
  while (left.length > 1 && lengthOf(left) > width) left.splice(next(left), 1)
  return all.reduce<(Crumb | Gap)[]>((shown, crumb) => {
    if (left.includes(crumb)) return [...shown, crumb]
    const before = shown.at(-1)
    const gap = before && 'steps' in before ? before : { steps: 0, isHard: false }
    const others = gap === before ? shown.slice(0, -1) : shown
    return [...others, { steps: gap.steps + 1, isHard: gap.isHard || crumb.isHard }]
  }, [])
}

/** Which to leave out next. */
function next(crumbs: readonly Crumb[]): number {
  const all = crumbs.map((_, index) => index).slice(0, -1)
  const inner = all.slice(1)
  const easy = (indexes: number[]) => indexes.filter((index) => !crumbs[index]?.isHard)
  const off = (index: number) => Math.abs(index - crumbs.length / 2 + 0.5)
  const candidates = [easy(inner), easy(all), inner, all].find((some) => some.length > 0) ?? []
  return candidates.reduce((best, index) => (off(index) < off(best) ? index : best))
}

function lengthOf(crumbs: readonly Crumb[]): number {
  const signs = (crumb: Crumb) => SIGN * (Number(crumb.isProven) + Number(crumb.isHard)) + widthOf(crumb.note)
  return crumbs.reduce((sum, crumb) => sum + SEPARATOR + widthOf(crumb.text) + signs(crumb), 0)
}

/** In Latin letters. */
export function widthOf(text: string): number {
  return [...text].reduce((sum, letter) => sum + (/[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uff60]/.test(letter) ? 2 : 1), 0)
}

/** What is proven of the one on the screen: `pin`; `said` who they are and no more; null where they said nothing, or somebody else. */
export function proofOf(journey: JourneyView | null, card: CustomerCard | undefined): 'pin' | 'said' | null {
  if (!journey?.contact) return null
  const shown = contactOf(card)?.id ?? (isOpen(card) ? journey.contact : null)
  if (shown !== journey.contact) return null
  return journey.is_verified ? 'pin' : 'said'
}

/** Who they said they are, until the customer system or an agent says more. */
export function saidName(journey: JourneyView | null, card: CustomerCard | undefined): string {
  return journey && isOpen(card) ? journey.contact_name : ''
}

function isOpen(card: CustomerCard | undefined): boolean {
  return card === undefined || ['asking', 'slow', 'unavailable'].includes(card.state)
}
