// What this desktop knows, and how each message changes it. Pure: a message and the old state in, the new state out.
import type {
  CallView, CommandDelta, ContactView, CustomerCard, FromServer, MeView, NoticeDelta, ParkedView, PbxView, PopView, PresenceView, QueueView, Snapshot,
} from './protocol'

type ById<T> = Readonly<Record<string, T>>

export interface Desk {
  readonly stream: string | null
  readonly seq: number
  readonly server: string
  readonly me: MeView | null
  readonly calls: ById<CallView>
  /** One for each of `calls`, `pops` and `finished`. */
  readonly cards: ById<CustomerCard>
  readonly pops: ById<PopView>
  readonly pbxs: ById<PbxView>
  readonly queues: ById<QueueView>
  /** Calls of mine that ended and still wait for their result, newest first. */
  readonly finished: readonly CallView[]
  readonly commands: ById<CommandDelta>
  /** My own state; null for people without a phone. */
  readonly presence: PresenceView | null
  /** All calls that wait in a parking space. */
  readonly parked: readonly ParkedView[]
  /** What supervisors are to know and have not put away, oldest first. */
  readonly warnings: readonly NoticeDelta[]
}

export const EMPTY: Desk = {
  stream: null,
  seq: 0,
  server: '',
  me: null,
  calls: {},
  cards: {},
  pops: {},
  pbxs: {},
  queues: {},
  finished: [],
  commands: {},
  presence: null,
  parked: [],
  warnings: [],
}

const COMMANDS_KEPT = 20
const WARNINGS_KEPT = 5

/** The next state, or `gap` when messages are missing and the desktop has to say hello again. */
export function receive(desk: Desk, message: FromServer): Desk | 'gap' {
  switch (message.type) {
    case 'welcome':
      return { ...desk, stream: message.stream, server: message.server, me: message.me }
    case 'snapshot':
      return fromSnapshot(desk, message)
    case 'occupied':
    case 'problem':
      return desk
  }
  if (typeof message.seq !== 'number' || message.seq <= desk.seq) return desk // heard already
  if (message.seq !== desk.seq + 1) return 'gap'
  return tidy(delta({ ...desk, seq: message.seq }, message))
}

/** Forget a finished call: its result is on record. */
export function settle(desk: Desk, call: string): Desk {
  return tidy({ ...desk, finished: desk.finished.filter((one) => one.call !== call) })
}

/** A card with a contact as the customer system has it now; `isTheirs`: this call is known to be theirs. How they were found stays. */
export function withContact(card: CustomerCard, contact: ContactView, isTheirs: boolean): CustomerCard {
  const asNow = (one: ContactView) => (one.id === contact.id ? { ...contact, matched_by: one.matched_by, matched_value: one.matched_value } : one)
  const after = { ...card, contacts: card.contacts.map(asNow), number_says: card.number_says.map(asNow) }
  if (!isTheirs) return after
  const isThere = card.contacts.some((one) => one.id === contact.id)
  return { ...after, state: 'found', chosen: contact.id, contacts: isThere ? after.contacts : [contact, ...after.contacts] }
}

/** Somebody here created or corrected a contact: the server tells live calls only, and the answer is as good for the others. */
export function corrected(desk: Desk, contact: ContactView, call?: string): Desk {
  const cards = Object.entries(desk.cards).map(([id, card]) => [id, withContact(card, contact, id === call)])
  return { ...desk, cards: Object.fromEntries(cards) }
}

/** A supervisor has read it. */
export function putAway(desk: Desk, warning: NoticeDelta): Desk {
  return { ...desk, warnings: desk.warnings.filter((one) => one !== warning) }
}

/** Take away pops whose time is over, whatever else was heard. */
export function expire(desk: Desk, now: number): Desk {
  const left = Object.entries(desk.pops).filter(([, pop]) => Date.parse(pop.expires_at) > now)
  return left.length === Object.keys(desk.pops).length ? desk : tidy({ ...desk, pops: Object.fromEntries(left) })
}

type Delta = Exclude<FromServer, { type: 'welcome' | 'occupied' | 'snapshot' | 'problem' }>

function delta(desk: Desk, message: Delta): Desk {
  switch (message.type) {
    case 'pop': {
      const { pop } = message
      return {
        ...desk,
        pops: { ...desk.pops, [pop.pop]: pop },
        calls: { ...desk.calls, [pop.call.call]: pop.call },
        cards: { ...desk.cards, [pop.call.call]: pop.card },
      }
    }
    case 'pop_withdrawn': {
      const isOver = message.reason !== 'answered' && desk.calls[message.call]?.has_spoken === false
      return { ...desk, pops: without(desk.pops, message.pop), calls: isOver ? without(desk.calls, message.call) : desk.calls }
    }
    case 'call':
      return withCall(desk, message.call)
    case 'card':
      return { ...desk, cards: { ...desk.cards, [message.card.call]: message.card } }
    case 'pbx':
      return { ...desk, pbxs: { ...desk.pbxs, [message.pbx.name]: message.pbx } }
    case 'queue':
      return { ...desk, queues: { ...desk.queues, [message.queue.name]: message.queue } }
    case 'command': {
      const kept = Object.entries({ ...desk.commands, [message.command]: message }).slice(-COMMANDS_KEPT)
      return { ...desk, commands: Object.fromEntries(kept) }
    }
    case 'presence':
      return { ...desk, presence: message.presence }
    case 'parked':
      return { ...desk, parked: message.parked }
    case 'notice':
      return desk.warnings.some((one) => isSame(one, message)) ? desk : { ...desk, warnings: [...desk.warnings, message].slice(-WARNINGS_KEPT) }
    default:
      return desk // a later server's message; its number still counts
  }
}

/** Told again by another server, which cannot know what was told before. */
function isSame(one: NoticeDelta, other: NoticeDelta): boolean {
  return one.kind === other.kind && one.at === other.at && one.agent === other.agent && one.call === other.call && one.text === other.text
}

function withCall(desk: Desk, call: CallView): Desk {
  const pops = Object.fromEntries(
    Object.entries(desk.pops).map(([id, pop]) => [id, pop.call.call === call.call ? { ...pop, call } : pop]),
  )
  if (call.state !== 'ended') return { ...desk, pops, calls: { ...desk.calls, [call.call]: call } }
  const calls = without(desk.calls, call.call)
  if (!wasMine(call)) return { ...desk, pops, calls }
  return { ...desk, pops, calls, finished: [call, ...desk.finished.filter((one) => one.call !== call.call)] }
}

function fromSnapshot(desk: Desk, snapshot: Snapshot): Desk {
  const calls = byId(snapshot.calls, (call) => call.call)
  // A call I was talking on that is not there any more ended while nobody told us: its note and result still wait.
  const gone = Object.values(desk.calls)
    .filter((call) => !(call.call in calls) && wasMine(call))
    .map((call): CallView => ({ ...call, state: 'ended', actions: [] }))
  return tidy({
    ...desk,
    seq: snapshot.seq,
    calls,
    pops: byId(snapshot.pops, (pop) => pop.pop),
    pbxs: byId(snapshot.pbxs, (pbx) => pbx.name),
    queues: byId(snapshot.queues, (queue) => queue.name),
    presence: snapshot.presence ?? null,
    parked: snapshot.parked ?? [],
    cards: {
      ...desk.cards,
      ...byId(snapshot.pops.map((pop) => pop.card), (card) => card.call),
      ...byId(snapshot.cards, (card) => card.call),
    },
    finished: [...gone, ...desk.finished.filter((one) => !(one.call in calls))],
  })
}

/** Is a note and a result wanted? Not for a ring that somebody else answered, nor for colleagues' calls. */
function wasMine(call: CallView): boolean {
  return call.has_spoken && call.direction !== 'internal' && call.outcome !== 'merged'
}

/** Cards are kept only for calls on this screen: a stranger's call never shows the caller before. */
function tidy(desk: Desk): Desk {
  const shown = new Set([
    ...Object.keys(desk.calls),
    ...Object.values(desk.pops).map((pop) => pop.call.call),
    ...desk.finished.map((call) => call.call),
  ])
  return { ...desk, cards: Object.fromEntries(Object.entries(desk.cards).filter(([call]) => shown.has(call))) }
}

function without<T>(things: ById<T>, id: string): ById<T> {
  return Object.fromEntries(Object.entries(things).filter(([one]) => one !== id))
}

function byId<T>(things: readonly T[], id: (thing: T) => string): ById<T> {
  return Object.fromEntries(things.map((thing) => [id(thing), thing]))
}

// ---- questions

/** Calls for the call bar: those I talk on and those I place, not the ones that only ring. */
export function liveCalls(desk: Desk): CallView[] {
  const popping = new Set(Object.values(desk.pops).map((pop) => pop.call.call))
  return Object.values(desk.calls)
    .filter((call) => call.has_spoken || (call.direction !== 'inbound' && !popping.has(call.call)))
    .sort((a, b) => rank(a) - rank(b) || b.since.localeCompare(a.since))
}

function rank(call: CallView): number {
  return { talking: 0, ringing: 1, offered: 1, queued: 2, held: 3, parked: 4, ended: 5 }[call.state] ?? 5
}

/** Pops, the newest first, each with what is known by now. */
export function openPops(desk: Desk): PopView[] {
  return Object.values(desk.pops)
    .map((pop) => ({ ...pop, card: desk.cards[pop.call.call] ?? pop.card }))
    .sort((a, b) => b.at.localeCompare(a.at))
}

export function lostPbxs(desk: Desk): PbxView[] {
  return Object.values(desk.pbxs).filter((pbx) => pbx.state !== 'connected')
}

/** The contact whose card is to be shown: the one chosen, by an agent or as the only match. */
export function contactOf(card: CustomerCard | undefined) {
  return card?.chosen == null ? undefined : card.contacts.find((contact) => contact.id === card.chosen)
}
