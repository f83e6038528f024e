// Call control as it runs: what was asked, what is under way, and the words when it failed. What may be asked stands in the calls.
import { api } from './api'
import { CommandFailed, Commands } from './commands'
import { desk, keyWords, reason } from './console.svelte'
import { consultationLost, type ActionName, type Doing, type UnderWay } from './control'
import { isolated } from './format'
import { t, word } from './i18n/index.svelte'
import { arrived, failed, next, NO_KEYS, pressed, type KeyLine } from './keyline'
import { notices } from './notices.svelte'
import { DeskPhone, MEDIA_VERBS, type MediaVerb, type PhoneDevice } from './phone'
import type { CallView, ParkedView } from './protocol'

/** News of the PBX that follow from what was done here may come so much later. */
const AFTERMATH_MS = 5000
const ENDS_CONSULTATION: readonly ActionName[] = ['complete', 'conference', 'reconnect', 'hangup']

/** So long a button stands as if it were done; then it shows that it waits. */
const OPTIMISTIC_MS = 300

class Control {
  underWay = $state.raw<UnderWay>({})
  fetching = $state.raw<ReadonlySet<string>>(new Set())
  /** Which call the open panel (transfer, keypad) is about. */
  at = $state<string | null>(null)

  #commands = new Commands()
  /** When the last of our own commands ended that a consultation may end with, by call. */
  #endedHere = new Map<string, number>()
  #keys = $state.raw<Readonly<Record<string, KeyLine>>>({})
  #phone: PhoneDevice = new DeskPhone((call, action, more) => this.#ask(call, action, more))

  constructor() {
    desk.whenCommand.push((command) => this.#commands.ended(command))
    desk.whenSnapshot.push(() => this.#commands.forget())
    desk.whenCall.push((before, after) => this.#follow(before, after))
  }

  /** True once the PBX did it; false after the words why not were said. */
  async perform(call: CallView, action: ActionName, more: { to?: string; who?: string } = {}): Promise<boolean> {
    if (this.#isDoing(call.call, action)) return false
    this.#begin(call.call, action)
    const slow = setTimeout(() => this.#slow(call.call, action), OPTIMISTIC_MS)
    try {
      await this.#send(call.call, action, more.to)
      return true
    } catch (error) {
      notices.show('bad', failureWords(action, error, more.who))
      if (action === 'consult') this.#endedHere.set(call.call, performance.now())
      return false
    } finally {
      clearTimeout(slow)
      if (ENDS_CONSULTATION.includes(action)) this.#endedHere.set(call.call, performance.now())
      this.#end(call.call, action)
    }
  }

  #send(call: string, action: ActionName, to?: string): Promise<void> {
    if (isMediaVerb(action) && action !== 'keys') return this.#phone[action](call)
    return this.#ask(call, action, to === undefined ? {} : { to })
  }

  #ask(call: string, action: ActionName, more: { to?: string; keys?: string } = {}): Promise<void> {
    return this.#commands.give((id) => api.act(call, action, { id, ...more }))
  }

  // ---- what is under way

  #isDoing(call: string, action: ActionName): boolean {
    return this.underWay[call]?.some((one) => one.action === action) ?? false
  }

  #begin(call: string, action: ActionName): void {
    this.#put(call, [...(this.underWay[call] ?? []), { action, isSlow: false }])
  }

  #slow(call: string, action: ActionName): void {
    this.#put(call, (this.underWay[call] ?? []).map((one) => (one.action === action ? { ...one, isSlow: true } : one)))
  }

  #end(call: string, action: ActionName): void {
    this.#put(call, (this.underWay[call] ?? []).filter((one) => one.action !== action))
  }

  #put(call: string, doing: readonly Doing[]): void {
    const { [call]: _, ...rest } = this.underWay
    this.underWay = doing.length > 0 ? { ...rest, [call]: doing } : rest
  }

  /** Somebody asked in who leaves again: whoever waits for them is to hear it. Of our own commands the answer speaks. */
  #follow(before: CallView | undefined, after: CallView): void {
    if (after.state === 'ended') {
      if (this.at === after.call) this.close()
      this.#endedHere.delete(after.call)
      const { [after.call]: _, ...rest } = this.#keys
      this.#keys = rest
    }
    const lost = consultationLost(before, after)
    if (!lost || this.underWay[after.call] || performance.now() - (this.#endedHere.get(after.call) ?? -AFTERMATH_MS) < AFTERMATH_MS) return
    const who = isolated(lost.who.name || lost.who.number)
    notices.show('info', lost.had === 'ringing' ? t().control.noAnswer(who) : t().control.leftYou(who))
  }

  // ---- panels

  open(panel: 'transfer' | 'keypad', call: string): void {
    const isOpen = desk.layer === panel && this.at === call
    this.at = isOpen ? null : call
    desk.layer = isOpen ? null : panel
  }

  close(): void {
    if (desk.layer === 'transfer' || desk.layer === 'keypad') desk.layer = null
    this.at = null
  }

  // ---- keys

  keys(call: string): KeyLine {
    return this.#keys[call] ?? NO_KEYS
  }

  press(call: string, keys: string): void {
    this.#keys = { ...this.#keys, [call]: pressed(this.keys(call), keys) }
    void this.#sendKeys(call)
  }

  async #sendKeys(call: string): Promise<void> {
    const before = this.keys(call)
    const line = next(before)
    if (line === before) return // one batch after the other
    this.#keys = { ...this.#keys, [call]: line }
    try {
      await this.#phone.keys(call, line.going)
      this.#keys = { ...this.#keys, [call]: arrived(this.keys(call)) }
    } catch (error) {
      this.#keys = { ...this.#keys, [call]: failed(this.keys(call)) }
      notices.show('bad', failureWords('keys', error))
    }
    void this.#sendKeys(call)
  }

  // ---- parked calls

  async fetch(parked: ParkedView): Promise<void> {
    if (this.fetching.has(parked.call)) return
    this.fetching = new Set([...this.fetching, parked.call])
    try {
      await this.#commands.give((id) => api.fetchParked(parked.space, id))
    } catch (error) {
      notices.show('bad', t().parked.failed(wordsOf(error)))
    } finally {
      this.fetching = new Set([...this.fetching].filter((one) => one !== parked.call))
    }
  }
}

function isMediaVerb(action: ActionName): action is MediaVerb {
  return (MEDIA_VERBS as readonly string[]).includes(action)
}

/** Why, in the agent's words where there are any, else in the PBX's. */
function wordsOf(error: unknown): string {
  return error instanceof CommandFailed ? (keyWords(error.reason) ?? error.reason) : reason(error)
}

function failureWords(action: ActionName, error: unknown, who = ''): string {
  const words = wordsOf(error)
  return action === 'consult' ? t().control.consultFailed(isolated(who), words) : `${t().control.failed[action]}: ${words}`
}

/** Why a button may not be pressed. */
export function whyNotWords(key: string): string {
  return key === '' ? '' : (word(t().control.whyNot, key) ?? word(t().whyNot, key) ?? key)
}

export const control = new Control()
