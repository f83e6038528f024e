// The running console: who is logged in, the link, what the server told us, and what the agent looks at.
import { api, ApiError, type Session } from './api'
import { Clock } from './clock'
import { newId } from './commands'
import { isolated } from './format'
import { language, speakByDefault, t, word } from './i18n/index.svelte'
import { saidName } from './journey'
import { notices } from './notices.svelte'
import type { CallView, CommandDelta, ContactView, CustomerCard, FromServer, NoticeDelta, PopView, PresenceView } from './protocol'
import { route } from './route.svelte'
import { ringer, settings } from './settings.svelte'
import { Link, type LinkState } from './socket'
import { contactOf, corrected, EMPTY, expire, liveCalls, openPops, putAway, receive, settle, type Desk } from './state'

export type Shown = { kind: 'idle' } | { kind: 'call'; call: string } | { kind: 'customer'; contact: string; given?: ContactView }
export type Layer = 'search' | 'help' | 'sound' | 'theme' | 'state' | 'transfer' | 'keypad' | null

const TYPING_MS = 3000

class Console {
  phase = $state<'starting' | 'login' | 'desk'>('starting')
  session = $state.raw<Session | null>(null)
  loginNote = $state<'' | 'ended' | 'unreachable'>('')
  desk = $state.raw<Desk>(EMPTY)
  link = $state.raw<LinkState>({ at: 'off' })
  /** Server's time in ms, moving once a second. */
  now = $state(Date.now())
  /** When the link was lost, by our clock; null while it is there. */
  lostAt = $state<number | null>(null)
  newVersion = $state(false)
  layer = $state<Layer>(null)
  picked = $state.raw<Shown | null>(null)

  /** Run when the link is (again) live, and when a call of mine ended. */
  readonly whenLive: (() => void)[] = []
  readonly whenEnded: ((call: CallView) => void)[] = []
  /** Run with the final word on each command, and when my own state became another. */
  readonly whenCommand: ((command: CommandDelta) => void)[] = []
  readonly whenPresence: ((before: PresenceView | null, after: PresenceView | null) => void)[] = []
  /** Run with each new state of a live call of mine, and when a snapshot replaced all that was known and began a new stream. */
  readonly whenCall: ((before: CallView | undefined, after: CallView) => void)[] = []
  readonly whenSnapshot: (() => void)[] = []
  /** Is nothing left here that a reload would lose or an agent would miss? */
  mayReload: () => boolean = () => true
  /** Further reasons to wait with it. */
  readonly reloadWaits: (() => boolean)[] = []

  live = $derived(liveCalls(this.desk))
  pops = $derived(openPops(this.desk))
  isLive = $derived(this.link.at === 'live')
  shown: Shown = $derived.by(() => {
    if (this.picked) return this.picked
    const call = this.live[0]?.call ?? this.desk.presence?.wrap_up?.call ?? this.desk.finished[0]?.call
    return call ? { kind: 'call', call } : { kind: 'idle' }
  })
  /** In this language's formats. */
  locale = $derived(language())

  readonly clock = new Clock()
  #link: Link
  #notifications = new Map<string, Notification>()
  #commands = new Map<string, { notice: number }>()
  #typedAt = -TYPING_MS
  #firstServer = ''
  /** The stream goes on, at another server perhaps: what was told meanwhile follows. */
  #goesOn = false
  #heldBack: ReturnType<typeof setTimeout> | undefined

  constructor() {
    this.#link = new Link({
      url: () => this.session?.site.ws_url ?? '',
      ticket: api.ticket,
      resume: () => (this.desk.stream && this.desk.seq > 0 ? { stream: this.desk.stream, seq: this.desk.seq } : null),
      message: (message) => this.#take(message),
      changed: (state) => this.#linkChanged(state),
      loggedOut: () => this.#sessionEnded(),
      alive: api.alive,
    })
    setInterval(() => this.#tick(), 500)
    document.addEventListener('visibilitychange', () => this.#tick())
  }

  // ---- session

  async start(): Promise<void> {
    try {
      this.#enter(await api.session())
    } catch (error) {
      this.phase = 'login'
      this.loginNote = error instanceof ApiError && error.status === 0 ? 'unreachable' : ''
    }
  }

  async logIn(agent: string, password: string): Promise<void> {
    await api.logIn(agent, password)
    this.#enter(await api.session())
  }

  async logOut(): Promise<void> {
    this.#link.stop()
    this.#leave('')
    await api.logOut().catch(() => {})
  }

  takeOver(): void {
    this.#link.start(true)
  }

  reconnect(): void {
    this.#link.retryNow()
  }

  #enter(session: Session): void {
    this.session = session
    this.desk = EMPTY
    this.phase = 'desk'
    this.loginNote = ''
    speakByDefault(session.me.language)
    this.#link.start()
  }

  #sessionEnded(): void {
    this.#leave('ended')
  }

  #leave(note: '' | 'ended'): void {
    ringer.stopAll()
    for (const one of this.#notifications.values()) one.close()
    this.session = null
    this.desk = EMPTY
    this.picked = null
    this.layer = null
    this.lostAt = null
    this.phase = 'login'
    this.loginNote = note
  }

  get seesReports(): boolean {
    return this.me !== null && this.me.role !== 'agent'
  }

  get me() {
    return this.desk.me ?? this.session?.me ?? null
  }

  // ---- link

  #linkChanged(state: LinkState): void {
    const was = this.link.at
    this.link = state
    if (state.at === 'live') {
      if (this.lostAt !== null) notices.show('good', t().back)
      this.lostAt = null
      for (const hook of this.whenLive) hook()
      this.#sayFocus()
    } else if (was === 'live' && state.at === 'waiting') {
      this.lostAt = this.clock.now()
    } else if (state.at === 'displaced' || state.at === 'occupied' || state.at === 'refused') {
      this.lostAt = null
      ringer.stopAll()
      for (const pop of Object.keys(this.desk.pops)) this.#silence(pop)
      this.desk = { ...this.desk, pops: {} }
    }
  }

  #take(message: FromServer): boolean {
    if (message.type === 'welcome') {
      this.clock.set(message.now)
      this.#tick()
      this.#goesOn = message.resumed
      this.#firstServer ||= message.server
      this.newVersion = this.#firstServer !== message.server
    }
    const before = this.desk
    const shown = this.shown
    const after = receive(before, message)
    if (after === 'gap') return false
    this.desk = after
    if (after !== before) this.#follow(before, after, shown)
    if (message.type === 'pop_withdrawn' && before.pops[message.pop]) {
      if (message.reason !== 'answered') notices.show('info', word(t().withdrawn, message.reason) ?? message.reason)
    }
    if (message.type === 'snapshot' && !this.#goesOn) for (const hook of this.whenSnapshot) hook()
    if (message.type === 'call') for (const hook of this.whenCall) hook(before.calls[message.call.call], message.call)
    if (message.type === 'command') {
      this.#commandEnded(message)
      for (const hook of this.whenCommand) hook(message)
    }
    return true
  }

  /** What the new state asks for: ring, be quiet, look at a new call. */
  #follow(before: Desk, after: Desk, shown: Shown): void {
    for (const [id, pop] of Object.entries(after.pops)) if (!(id in before.pops)) this.#announce(pop)
    for (const id of Object.keys(before.pops)) if (!(id in after.pops)) this.#silence(id)
    const old = new Set(liveCalls(before).map((call) => call.call))
    if (liveCalls(after).some((call) => !old.has(call.call))) this.#lookAtCall(shown)
    for (const call of after.finished) if (call.call in before.calls) for (const hook of this.whenEnded) hook(call)
    if (after.presence !== before.presence) for (const hook of this.whenPresence) hook(before.presence, after.presence)
  }

  #announce(pop: PopView): void {
    const left = (Date.parse(pop.expires_at) - this.clock.now()) / 1000
    if (left <= 0) return
    performance.mark('pop-received')
    this.#link.send({ type: 'receipt', pop: pop.pop, step: 'received' })
    const shown = () => {
      performance.measure('pop-to-paint', 'pop-received')
      this.#link.send({ type: 'receipt', pop: pop.pop, step: 'shown' })
    }
    if (document.hidden) shown()
    else requestAnimationFrame(() => requestAnimationFrame(shown))
    ringer.ring(pop.pop, left)
    const who = this.who(pop.call, pop.card)
    notices.urgent = t().incomingSaid(who, pop.call.queue, Math.round(left))
    if (document.hidden && settings.notices) this.#notify(pop, who)
    setTimeout(() => this.#tick(), left * 1000 + 20)
  }

  #notify(pop: PopView, who: string): void {
    const { queue, number_shown } = pop.call
    try {
      const one = new Notification(`☎ ${who}`, { body: [queue, number_shown].filter(Boolean).join(' · '), tag: pop.pop, silent: true })
      one.onclick = () => {
        window.focus()
        one.close()
      }
      this.#notifications.set(pop.pop, one)
    } catch {
      // some browsers allow notifications to service workers only
    }
  }

  #silence(pop: string): void {
    ringer.stop(pop)
    notices.urgent = ''
    this.#notifications.get(pop)?.close()
    this.#notifications.delete(pop)
  }

  #tick(): void {
    this.now = this.clock.now()
    const before = this.desk
    this.desk = expire(before, this.now)
    if (this.desk !== before) this.#follow(before, this.desk, this.shown)
    if (this.newVersion && this.live.length === 0 && this.pops.length === 0 && this.mayReload() && !this.reloadWaits.some((waits) => waits())) {
      this.newVersion = false // once
      location.reload()
    }
  }

  // ---- what is looked at

  /** Whoever wants to see a call or a customer wants the desk, whatever page is open. */
  show(shown: Shown | null): void {
    this.picked = shown
    route.toDesk()
    this.#sayFocus()
  }

  typed(): void {
    this.#typedAt = performance.now()
  }

  /** A call began. Whoever is typing a note about the one before finishes the word first. */
  #lookAtCall(from: Shown): void {
    clearTimeout(this.#heldBack)
    const rest = TYPING_MS - (performance.now() - this.#typedAt)
    if (rest > 0 && from.kind === 'call') {
      this.picked = from
      this.#heldBack = setTimeout(() => this.#lookAtCall(from), rest)
    } else {
      this.show(null)
    }
  }

  #focused: string | null | undefined
  #sayFocus(): void {
    const call = this.shown.kind === 'call' ? this.shown.call : null
    if (call === this.#focused && this.isLive) return
    this.#focused = call
    this.#link.send({ type: 'focus', call })
  }

  settled(call: string): void {
    this.desk = settle(this.desk, call)
    if (this.picked?.kind === 'call' && this.picked.call === call) this.picked = null
    this.#sayFocus()
  }

  corrected(contact: ContactView, call?: string): void {
    this.desk = corrected(this.desk, contact, call)
  }

  putAway(warning: NoticeDelta): void {
    this.desk = putAway(this.desk, warning)
  }

  card(call: string): CustomerCard | undefined {
    return this.desk.cards[call]
  }

  /** What to call the other side: the customer's name, else the number. A network's name is a claim, and shown as one. */
  who(call: CallView, card = this.card(call.call)): string {
    const contact = contactOf(card)
    return (
      contact?.name || contact?.company || saidName(call.journey, card) || (call.direction === 'internal' && call.name) || call.number_shown || call.number || t().withheld
    )
  }

  // ---- commands

  /** The agent's own phone rings first; whom it is about stands on the screen before that. */
  async dial(to: string, about: { who?: string; shown?: string; contact?: ContactView | undefined; doNotCall?: boolean } = {}): Promise<void> {
    const shown = about.shown ?? to
    if (about.doNotCall) {
      const sure = { label: t().callAnyway, run: () => void this.dial(to, { ...about, doNotCall: false }) }
      notices.show('bad', t().confirmDoNotCall(isolated(about.who || shown)), sure)
      return
    }
    const id = newId()
    this.#commands.set(id, { notice: 0 })
    if (about.contact) this.#lookAtContact(about.contact)
    try {
      await api.dial(to, id, about.contact?.id)
      const asked = this.#commands.get(id)
      if (asked) asked.notice = notices.show('info', t().dialling(shown))
    } catch (error) {
      this.#commands.delete(id)
      notices.show('bad', t().dialFailed(reason(error)))
    }
  }

  #lookAtContact(contact: ContactView): void {
    const { shown } = this
    const isThere = shown.kind === 'call' && contactOf(this.card(shown.call))?.id === contact.id
    if (!isThere) this.show({ kind: 'customer', contact: contact.id, given: contact })
  }

  #commandEnded({ command, status, reason: why }: CommandDelta): void {
    const asked = this.#commands.get(command)
    this.#commands.delete(command)
    if (status !== 'failed' || !asked) return
    notices.drop(asked.notice)
    notices.show('bad', t().dialFailed(keyWords(why) ?? why))
  }

  async choose(call: string, contact: string): Promise<void> {
    await api.choose(call, contact).catch((error) => notices.show('bad', t().commandFailed(reason(error))))
  }

  async ruleOut(call: string, contact: string): Promise<void> {
    await api.ruleOut(call, contact).catch((error) => notices.show('bad', t().commandFailed(reason(error))))
  }
}

/** Why a request failed, in the agent's words where there are any. */
export function reason(error: unknown): string {
  if (!(error instanceof ApiError)) return String(error)
  if (error.status === 0) return t().noServer
  return (error.status === 429 ? null : keyWords(error.code)) ?? error.message
}

/** The agent's words for a key of the service, or for what Asterisk says most. */
export function keyWords(key: string): string | null {
  const tables = [t().control.reasons, t().reasons, t().transfer.whyNot, t().control.whyNot]
  return tables.map((words) => word(words, key)).find(Boolean) ?? null
}

export const desk = new Console()
