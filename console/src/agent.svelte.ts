// My own state: what the server says of it, what I just asked for, and the asking.
import { isBusy, isGranted, isOthersDoing, offer, SYSTEM_REASONS_FROM, wished, type Asked, type Reason, type Verb, type Wish } from './agent'
import { api, ApiError } from './api'
import { CommandFailed, Commands } from './commands'
import { desk, reason as words } from './console.svelte'
import { isolated, timeOfDay } from './format'
import { t, word } from './i18n/index.svelte'
import { notices } from './notices.svelte'
import type { PendingView, PresenceView } from './protocol'

const OPTIMISTIC_MS = 300
/** The final word on a command and the new state are two messages: so long the one may wait for the other. */
const SETTLING_MS = 1500

export const commands = new Commands()
desk.whenCommand.push((command) => commands.ended(command))
desk.whenSnapshot.push(() => commands.forget())

class Agent {
  wish = $state.raw<Wish | null>(null)
  /** As it is shown: the server's word, or for a moment what was just asked for. Null for people without a phone. */
  presence = $derived(desk.desk.presence && wished(desk.desk.presence, this.wish))
  reasons = $derived<Reason[]>(desk.session?.site.reasons ?? [])
  #asked = 0
  #leaves = false

  constructor() {
    desk.whenPresence.push((before, after) => this.#follow(before, after))
  }

  /** `code` for programs, `whyNot` for people. */
  offer(verb: Verb): { allowed: boolean; code: string; whyNot: string } {
    const { allowed, why_not: code } = offer(desk.desk.presence, verb, desk.isLive)
    return { allowed, code, whyNot: allowed ? '' : (word(t().agent.whyNot, code) ?? code) }
  }

  /** Ends when the PBX has it so; false: it has not, and the agent was told why. */
  async ask(state: Asked, reason: Reason | null = null): Promise<boolean> {
    const mine = ++this.#asked
    const wish: Wish = { state, reason, since: new Date(desk.clock.now()).toISOString(), isSlow: false }
    this.wish = wish
    const slow = setTimeout(() => mine === this.#asked && (this.wish = { ...wish, isSlow: true }), OPTIMISTIC_MS)
    try {
      await commands.give((id) => api.setState(state, reason?.code, id))
      if (mine === this.#asked) this.#settle(wish, mine)
      return true
    } catch (error) {
      if (mine === this.#asked) this.wish = null
      this.#failed(state, why(error))
      return false
    } finally {
      clearTimeout(slow)
    }
  }

  /** Ready if not ready; else the menu, for not ready needs a reason. */
  toggle(): void {
    const { presence } = this
    if (presence === null) return
    const wantsReady = presence.pending !== null || (presence.state !== 'READY' && !isBusy(presence))
    if (!wantsReady) desk.layer = 'state'
    else if (this.offer('READY').allowed) void this.ask('READY')
    else notices.show('bad', this.offer('READY').whyNot)
  }

  /** Out of the queues, and then out of the console; after the call, if there is one. */
  async leave(): Promise<void> {
    const presence = desk.desk.presence
    if (!presence || presence.state === 'LOGOUT' || !desk.isLive) return desk.logOut()
    const isLater = isBusy(presence)
    this.#leaves = true
    if (isLater) notices.show('info', t().agent.leavesLater)
    if (!(await this.ask('LOGOUT'))) this.#leaves = false
    else if (!isLater) await this.#goOut()
  }

  #settle(wish: Wish, mine: number): void {
    const presence = desk.desk.presence
    if (presence && isGranted(presence, wish)) this.wish = null
    else setTimeout(() => mine === this.#asked && (this.wish = null), SETTLING_MS)
  }

  #failed(state: Asked, because: string): void {
    const text = t().agent.failed[state](because)
    const anyway = { label: t().agent.leaveAnyway, run: () => void desk.logOut() }
    notices.show('bad', text, this.#leaves ? anyway : undefined)
  }

  #follow(before: PresenceView | null, after: PresenceView | null): void {
    if (after === null) return void (this.wish = null)
    if (this.wish && isGranted(after, this.wish)) this.wish = null
    if (after.state === 'LOGOUT' && before && before.state !== 'LOGOUT' && this.#leaves) return void this.#goOut()
    if (before && (before.state !== after.state || before.reason !== after.reason)) notices.polite = isOthersDoing(after) ? sayWhy(after) : sayState(after)
  }

  async #goOut(): Promise<void> {
    if (!this.#leaves) return
    this.#leaves = false
    await desk.logOut()
  }
}

/** Why it did not work: the PBX's words as they are, ours translated. */
export function why(error: unknown): string {
  if (error instanceof ApiError) return word(t().agent.whyNot, error.code) ?? words(error)
  if (!(error instanceof CommandFailed)) return words(error)
  return word(t().agent.whyNot, error.reason) ?? word(t().reasons, error.reason) ?? isolated(error.reason)
}

type Reasoned = Pick<PresenceView | PendingView, 'reason_code' | 'reason'>

export function sayReason({ reason_code, reason }: Reasoned): string {
  return (reason_code ?? 0) >= SYSTEM_REASONS_FROM ? (word(t().agent.systemReasons, reason) ?? reason) : reason
}

/** "Ready", "Not ready · Lunch". */
export function sayState(presence: PresenceView): string {
  const name = word(t().agent.states, presence.state) ?? presence.state
  const because = presence.state === 'NOT_READY' ? sayReason(presence) : ''
  return because ? `${name} · ${because}` : name
}

/** Why I am not ready though I did not ask for it. */
export function sayWhy(presence: PresenceView): string {
  const time = timeOfDay(presence.since, desk.locale)
  const by = presence.by && isolated(presence.by)
  if (presence.state === 'LOGOUT') return t().agent.whyLoggedOut(time, by)
  const isSystems = (presence.reason_code ?? 0) >= SYSTEM_REASONS_FROM
  if (presence.cause === 'forced') return t().agent.whyForced(time, by, isSystems ? '' : sayReason(presence))
  const causes: Record<string, (time: string) => string> = t().agent.why
  return (Object.hasOwn(causes, presence.cause) && causes[presence.cause]?.(time)) || t().agent.whyOther(time, sayReason(presence))
}

export function sayMaker(presence: PresenceView): string {
  const time = timeOfDay(presence.since, desk.locale)
  return t().agent.made[presence.made_by]?.(time, isolated(presence.by)) ?? time
}

/** "Break after this call": what follows, in words. */
export function sayPending(presence: PresenceView, pending: PendingView): string {
  const what = sayNext(pending)
  return presence.calls > 0 ? t().agent.afterCall(what) : t().agent.afterWrapUp(what)
}

export function sayNext(pending: PendingView): string {
  return pending.state === 'LOGOUT' ? t().agent.logOutNext : sayReason(pending) || t().agent.notReady
}

export const agent = new Agent()
