// What may be done with a call now, and how the buttons stand. Pure: the server's offer and what is under way in, buttons out.
import type { Action, CallView, PartyView } from './protocol'

/** As the server names them, in its order. */
export type ActionName =
  | 'answer' | 'hold' | 'retrieve' | 'keys' | 'transfer' | 'consult' | 'complete' | 'conference' | 'reconnect' | 'alternate'
  | 'park' | 'record' | 'record_pause' | 'record_resume' | 'record_stop' | 'hangup'

export interface Doing {
  readonly action: ActionName
  /** Long enough to show that it is being waited for. */
  readonly isSlow: boolean
}

/** What is under way, by call. */
export type UnderWay = Readonly<Record<string, readonly Doing[]>>

export interface Button {
  readonly action: ActionName
  /** A message key; empty when it may be pressed. */
  readonly whyNot: string
  readonly isBusy: boolean
  readonly isSlow: boolean
}

export function offer(call: CallView, name: ActionName): Action | undefined {
  return call.actions.find((action) => action.name === name)
}

export function mayDo(call: CallView, name: ActionName): boolean {
  return offer(call, name)?.allowed === true
}

/** One button as it stands. `link_lost` outdoes whatever the server last offered. */
export function button(call: CallView, action: ActionName, underWay: UnderWay, isLive: boolean): Button {
  const doing = underWay[call.call]?.find((one) => one.action === action)
  const offered = offer(call, action)
  const whyNot = !isLive ? 'link_lost' : offered === undefined ? 'not_offered' : offered.allowed ? '' : offered.why_not || 'not_offered'
  return { action, whyNot: doing ? '' : whyNot, isBusy: doing !== undefined, isSlow: doing?.isSlow ?? false }
}

/** Which of the two a button with two sides shows. What is under way counts as done: it turns back if it fails. */
export function holdSide(call: CallView, underWay: UnderWay): 'hold' | 'retrieve' {
  const doing = underWay[call.call]?.map((one) => one.action) ?? []
  if (doing.includes('hold')) return 'hold'
  if (doing.includes('retrieve')) return 'retrieve'
  return mayDo(call, 'retrieve') || call.state === 'held' ? 'retrieve' : 'hold'
}

export type RecordSide = 'record' | 'record_pause' | 'record_resume'

export function recordSide(call: CallView): RecordSide {
  return ({ off: 'record', on: 'record_pause', paused: 'record_resume' } as const)[call.recording]
}

/** Seconds until a paused recording goes on by itself; null where it does not. */
export function resumesIn(call: CallView, now: number): number | null {
  if (call.recording !== 'paused' || call.recording_resumes_at === null) return null
  return Math.max(0, Math.ceil((Date.parse(call.recording_resumes_at) - now) / 1000))
}

// ---- consultation

export function myPhoneRings(call: CallView): boolean {
  return call.parties.some((party) => party.is_me && party.state === 'ringing')
}

/** Whom I asked in, while they are there. Whoever was asked in themselves consults nobody. */
export function consulted(call: CallView): PartyView | undefined {
  if (call.parties.some((party) => party.is_me && party.consult)) return undefined
  return call.parties.find((party) => party.consult && !party.is_me && party.state !== 'gone')
}

export type Side = 'ringing' | 'talking' | 'held'

/** How the consulted stand: they wait while I am back with the customer. */
export function partnerSide(call: CallView, partner: PartyView): Side {
  if (partner.state === 'initiated' || partner.state === 'ringing') return 'ringing'
  return partner.state === 'held' || !isMyLegHeld(call) ? 'held' : 'talking'
}

/** How the customer stands: whoever consults has them on hold with their own phone. */
export function customerSide(call: CallView): Side {
  const isHeld = isMyLegHeld(call) || call.parties.some((party) => party.role === 'customer' && party.state === 'held')
  return isHeld ? 'held' : 'talking'
}

function isMyLegHeld(call: CallView): boolean {
  return call.parties.some((party) => party.is_me && party.state === 'held')
}

/** A consultation that is over though nobody here ended it: whom it was with, and how far it had come. */
export function consultationLost(before: CallView | undefined, after: CallView): { who: PartyView; had: Side } | null {
  if (!before || after.state === 'ended') return null
  const who = consulted(before)
  if (!who || consulted(after)) return null
  const gone = after.parties.find((party) => party.leg === who.leg)
  return gone && gone.state !== 'gone' ? null : { who, had: partnerSide(before, who) } // a conference: they are there, and not asked any more
}
