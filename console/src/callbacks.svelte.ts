// Who waits to be called back: those I took, and those of my queues that nobody has taken yet.
import { commands, why } from './agent.svelte'
import { api, ApiError, type Callback, type CallbackEnd } from './api'
import { desk } from './console.svelte'
import { isolated } from './format'
import { t } from './i18n/index.svelte'
import { notices } from './notices.svelte'

/** Colleagues take callbacks too, and nothing is pushed about them. */
const EVERY_MS = 20_000

export const ENDS: readonly CallbackEnd[] = ['done', 'failed', 'cancelled']

class Callbacks {
  mine = $state.raw<Callback[]>([])
  team = $state.raw<Callback[]>([])
  /** `none`: this server, or this agent, has none. */
  state = $state<'loading' | 'there' | 'failed' | 'none'>('loading')
  busy = $state.raw<ReadonlySet<string>>(new Set())

  constructor() {
    desk.whenLive.push(() => void this.load())
    setInterval(() => desk.isLive && !document.hidden && this.state !== 'none' && void this.load(), EVERY_MS)
  }

  async load(): Promise<void> {
    try {
      const [mine, open, again] = await Promise.all([
        api.callbacks({ state: 'claimed', mine: true }),
        api.callbacks({ state: 'open' }),
        api.callbacks({ state: 'failed' }),
      ])
      this.mine = mine
      this.team = [...open, ...again]
      this.state = 'there'
    } catch (error) {
      if (error instanceof ApiError && [403, 404].includes(error.status)) this.state = 'none'
      else if (this.state !== 'there') this.state = 'failed'
    }
  }

  claim(one: Callback): Promise<boolean> {
    return this.#do(one, () => api.claimCallback(one.id))
  }

  release(one: Callback): Promise<boolean> {
    return this.#do(one, () => api.releaseCallback(one.id))
  }

  close(one: Callback, end: CallbackEnd): Promise<boolean> {
    return this.#do(one, () => api.closeCallback(one.id, end))
  }

  /** The customer's card is up before the phone rings. */
  async dial(one: Callback): Promise<void> {
    if (one.contact) desk.show({ kind: 'customer', contact: one.contact })
    const notice = notices.show('info', t().callbacks.dialling(isolated(whoIs(one))))
    const placed = await this.#do(one, () => commands.give((id) => api.dialCallback(one.id, id)))
    if (!placed) notices.drop(notice)
  }

  async #do(one: Callback, act: () => Promise<unknown>): Promise<boolean> {
    if (this.busy.has(one.id)) return false
    this.busy = new Set([...this.busy, one.id])
    try {
      await act()
      return true
    } catch (error) {
      const isLate = error instanceof ApiError && error.status === 409
      notices.show('bad', t().callbacks.couldNot(isLate ? t().callbacks.taken : why(error)))
      return false
    } finally {
      await this.load()
      this.busy = new Set([...this.busy].filter((other) => other !== one.id))
    }
  }
}

export function whoIs(one: Callback): string {
  return one.contact_name || one.number
}

export const callbacks = new Callbacks()
