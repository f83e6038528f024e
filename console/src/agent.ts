// The agent's own state as it is shown. Pure: what the server said and what was just asked for in, words' keys out.
import type { Action, PresenceView } from './protocol'

/** What an agent may ask for; the rest follows from calls. */
export type Asked = 'READY' | 'NOT_READY' | 'LOGOUT'
export type Verb = Asked | 'extend' | 'end'

export interface Reason {
  code: number
  label: string
}

/** Asked for and not answered yet. It shows at once, and goes back if it fails. */
export interface Wish {
  readonly state: Asked
  readonly reason: Reason | null
  readonly since: string
  /** Waited for long enough to say so. */
  readonly isSlow: boolean
}

/** Reasons from here on are the system's own: names to translate, not words to show. */
export const SYSTEM_REASONS_FROM = 900

export type Tone = 'ready' | 'ringing' | 'talking' | 'work' | 'paused' | 'off'

export function toneOf(state: PresenceView['state']): Tone {
  switch (state) {
    case 'READY':
      return 'ready'
    case 'RESERVED':
    case 'RESERVED_OUTBOUND':
      return 'ringing'
    case 'TALKING':
      return 'talking'
    case 'WORK':
    case 'WORK_READY':
      return 'work'
    case 'HOLD':
    case 'NOT_READY':
      return 'paused'
    default:
      return 'off' // also a state of a later server
  }
}

/** In a call or a wrap-up: what is asked for now comes later, but for READY, which ends a wrap-up. */
export function isBusy(presence: PresenceView): boolean {
  return presence.calls > 0 || presence.wrap_up !== null
}

/** The presence as it will be if the wish is granted. */
export function wished(presence: PresenceView, wish: Wish | null): PresenceView {
  if (wish === null) return presence
  const { state, reason, since } = wish
  if (state === 'READY' && presence.calls > 0) return { ...presence, pending: null }
  if (state !== 'READY' && isBusy(presence)) {
    const pending = { state, reason_code: reason?.code ?? null, reason: reason?.label ?? '', cause: 'chosen', by: '' }
    return { ...presence, pending }
  }
  const cause = state === 'NOT_READY' ? 'chosen' : ''
  return { ...presence, state, since, reason_code: reason?.code ?? null, reason: reason?.label ?? '', cause, made_by: 'agent', by: '', pending: null }
}

/** Did it take effect? */
export function isGranted(presence: PresenceView, wish: Wish): boolean {
  if (wish.state === 'READY') return presence.calls > 0 ? presence.pending === null : presence.state === 'READY'
  if (isBusy(presence)) return presence.pending?.state === wish.state
  return presence.state === wish.state && (wish.state !== 'NOT_READY' || presence.reason_code === (wish.reason?.code ?? null))
}

/** May this be asked for? Nothing may that the server does not offer, nor while it cannot be reached. */
export function offer(presence: PresenceView | null, verb: Verb, isLive: boolean): Action {
  if (!isLive) return { name: verb, allowed: false, why_not: 'link_lost' }
  return presence?.actions.find((one) => one.name === verb) ?? { name: verb, allowed: false, why_not: 'not_offered' }
}

/** Not ready, or logged out, and not by the agent: says why until the agent acts. */
export function isOthersDoing(presence: PresenceView): boolean {
  if (presence.state === 'NOT_READY') return !['chosen', 'logged_in', ''].includes(presence.cause)
  return presence.state === 'LOGOUT' && (presence.made_by === 'supervisor' || presence.made_by === 'system') && presence.by !== ''
}

/** A wrap-up that is over without a result, though nobody here ended it. */
export function ranOut(before: PresenceView | null, after: PresenceView | null, endedHere: ReadonlySet<string>): string | null {
  const wrapUp = before?.wrap_up
  if (!wrapUp || !after || after.wrap_up?.call === wrapUp.call || wrapUp.has_result || endedHere.has(wrapUp.call)) return null
  return wrapUp.call
}

/** Whole seconds until a deadline; null without one. */
export function secondsLeft(deadline: string | null, now: number): number | null {
  return deadline === null ? null : Math.max(0, Math.ceil((Date.parse(deadline) - now) / 1000))
}
