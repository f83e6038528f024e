// The desktop protocol, version 1. Written by scripts/protocol.mjs from docs/reference/desktop-protocol.schema.json: do not edit.
// Times are RFC 3339 in UTC, durations seconds. Everything a caller or a CRM wrote is text to show as it stands, never markup.

/** The first message, within 5 s of connecting. */
export interface Hello {
  type: 'hello'
  ticket: string
  resume?: Resume | null
  take_over?: boolean
}

export interface Resume {
  stream: string
  seq: number
}

/** How far a pop has come. `shown` is said after the browser has painted it. */
export interface Receipt {
  type: 'receipt'
  pop: string
  step: 'received' | 'shown'
}

/** The agent looks at this call now (None: at none); told to integrators. */
export interface Focus {
  type: 'focus'
  call?: string | null
}

export interface Welcome {
  type: 'welcome'
  protocol: number
  server: string
  stream: string
  resumed: boolean
  now: string
  me: MeView
  ping_s: number
}

export interface MeView {
  agent: string
  name: string
  role: 'admin' | 'agent' | 'supervisor'
  extension: string
  queues: string[]
  language: string
}

/** This agent has another desktop open, since then; close 4409 follows. */
export interface Occupied {
  type: 'occupied'
  since: string
}

export interface Snapshot {
  type: 'snapshot'
  seq: number
  calls: CallView[]
  cards: CustomerCard[]
  pops: PopView[]
  pbxs: PbxView[]
  queues: QueueView[]
  presence: PresenceView | null
  parked: ParkedView[]
}

/** One of my calls as it is now, from where I sit: `ringing` while my phone rings, `ended` once my leg is gone, though the call may go on with others (`outcome` is null then). */
export interface CallView {
  call: string
  pbx: string
  direction: 'inbound' | 'internal' | 'outbound'
  state: 'ended' | 'held' | 'offered' | 'parked' | 'queued' | 'ringing' | 'talking'
  since: string
  offered_at: string
  answered_at: string | null
  ended_at: string | null
  number: string
  number_shown: string
  region: string
  name: string
  dnis: string
  dnis_label: string
  queue: string
  waited_s: number | null
  keys: Record<string, string>
  journey: JourneyView | null
  parties: PartyView[]
  actions: Action[]
  outcome: string | null
  talk_s: number
  hold_s: number
  has_spoken: boolean
  recording: 'off' | 'on' | 'paused'
  recording_resumes_at: string | null
  parked_in: string
}

/** How the caller came through the IVR: what they wanted, who they said they are, where it was hard. */
export interface JourneyView {
  flow: string
  label: string
  entered_at: string
  spent_s: number
  outcome: 'abandoned' | 'after_hours' | 'failed' | 'self_served' | 'to_agent' | null
  language: string
  intent: string
  contact: string
  contact_name: string
  contact_code: string
  known_by: 'code' | 'number' | 'order' | null
  known_value: string
  is_verified: boolean
  callback_number: string
  has_voicemail: boolean
  steps: JourneyStep[]
}

/** One step of the caller's way through the IVR, in the order taken. */
export interface JourneyStep {
  step: string
  kind: string
  label: string
  choice: string
  keyed: string
  spent_s: number
  failures: number
  how: 'done' | 'failed' | 'hung_up' | 'no_input' | 'no_match' | 'not_found' | 'refused' | 'unavailable'
}

export interface PartyView {
  leg: string
  role: 'agent' | 'customer' | 'external'
  number: string
  name: string
  state: 'connected' | 'gone' | 'held' | 'initiated' | 'ringing'
  is_me: boolean
  consult: boolean
}

/** Something a button may do now. A button that may not be pressed stays where it is and shows `why_not`. */
export interface Action {
  name: string
  allowed: boolean
  why_not: string
}

/** The answer to "who is this?" for one call. */
export interface CustomerCard {
  call: string
  state: 'asking' | 'found' | 'several' | 'slow' | 'unavailable' | 'unknown' | 'withheld'
  contacts: ContactView[]
  chosen: string | null
  number_says: ContactView[]
  reason: string
  source: string
  as_of: string | null
  history: HistoryItem[]
  calls_24h: number
}

export interface ContactView {
  id: string
  code: string
  name: string
  company: string
  language: string
  segment: string
  tier: string
  email: string
  numbers: NumberView[]
  preferences: Record<string, string>
  flags: string[]
  balance: string
  cases: CaseView[]
  orders: OrderView[]
  fields: Record<string, string>
  url: string
  matched_by: 'code' | 'extension' | 'ivr' | 'national' | 'number' | 'order'
  matched_value: string
}

export interface NumberView {
  typed: string
  e164: string
  label: string
}

export interface CaseView {
  id: string
  title: string
  status: string
  opened_at: string | null
}

export interface OrderView {
  id: string
  title: string
  status: string
  ordered_on: string
  amount: string
}

/** One earlier interaction with this customer or number. */
export interface HistoryItem {
  call: string
  at: string
  direction: 'inbound' | 'internal' | 'outbound'
  outcome: string
  queue: string
  agent: string
  talk_s: number
  result: string
  note: string
  number: string
  ivr: string
}

/** A phone rings, and this desktop's agent is to know who it is. */
export interface PopView {
  pop: string
  call: CallView
  card: CustomerCard
  at: string
  expires_at: string
}

export interface PbxView {
  name: string
  state: 'connected' | 'connecting' | 'lost'
  since: string
  reason: string
}

/** A queue of this agent. */
export interface QueueView {
  name: string
  waiting: number
  oldest_since: string | null
}

/** Where an agent is. States are Finesse's; `docs/reference/agent-states.md` has the table. */
export interface PresenceView {
  agent: string
  state: 'HOLD' | 'LOGOUT' | 'NOT_READY' | 'READY' | 'RESERVED' | 'RESERVED_OUTBOUND' | 'TALKING' | 'WORK' | 'WORK_READY'
  since: string
  reason_code: number | null
  reason: string
  cause: string
  made_by: 'agent' | 'pbx' | 'supervisor' | 'system'
  by: string
  pending: PendingView | null
  wrap_up: WrapUpView | null
  is_confirmed: boolean
  trouble: string
  queues: string[]
  calls: number
  actions: Action[]
}

/** What follows the call or wrap-up, where that is not simply READY. Asking for READY takes it back. */
export interface PendingView {
  state: 'LOGOUT' | 'NOT_READY'
  reason_code: number | null
  reason: string
  cause: string
  by: string
}

export interface WrapUpView {
  call: string
  queue: string
  kind: 'optional' | 'required'
  began_at: string
  deadline: string | null
  has_result: boolean
}

/** A call that waits in a parking space for whoever fetches it. */
export interface ParkedView {
  call: string
  pbx: string
  space: string
  since: string
  queue: string
  number_shown: string
  name: string
  by: string
}

export interface Pop {
  type: 'pop'
  seq: number
  pop: PopView
}

export interface PopWithdrawn {
  type: 'pop_withdrawn'
  seq: number
  pop: string
  call: string
  reason: 'answered' | 'answered_elsewhere' | 'caller_gone' | 'declined' | 'expired' | 'no_answer'
}

/** The new state of one of my calls. One in state `ended` is mine no longer after this. */
export interface CallDelta {
  type: 'call'
  seq: number
  call: CallView
}

export interface CardDelta {
  type: 'card'
  seq: number
  card: CustomerCard
}

export interface PbxDelta {
  type: 'pbx'
  seq: number
  pbx: PbxView
}

export interface QueueDelta {
  type: 'queue'
  seq: number
  queue: QueueView
}

/** What became of a command given over REST: one `done` or one `failed`, never both, never none. */
export interface CommandDelta {
  type: 'command'
  seq: number
  command: string
  status: 'done' | 'failed'
  reason: string
}

/** My own state. */
export interface PresenceDelta {
  type: 'presence'
  seq: number
  presence: PresenceView
}

/** All calls that are parked now. */
export interface ParkedDelta {
  type: 'parked'
  seq: number
  parked: ParkedView[]
}

/** Something supervisors are to know. */
export interface NoticeDelta {
  type: 'notice'
  seq: number
  kind: 'connection_lost' | 'missed_call' | 'not_classified' | 'refused_number'
  at: string
  agent: string
  agent_name: string
  call: string
  text: string
}

/** Another desktop of this agent took over; close 4409 follows. */
export interface Displaced {
  type: 'displaced'
  seq: number
}

/** The last message was refused; the socket stays open unless a close code follows. */
export interface Problem {
  type: 'problem'
  code: string
  text: string
}

export type FromDesktop = Hello | Receipt | Focus

export type FromServer = Welcome | Occupied | Snapshot | Pop | PopWithdrawn | CallDelta | CardDelta | PbxDelta | QueueDelta | CommandDelta | PresenceDelta | ParkedDelta | NoticeDelta | Displaced | Problem
