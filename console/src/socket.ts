// The link to the push server. `step` decides and is pure; `Link` does what it says: tickets, socket, timers.
import type { FromDesktop, FromServer } from './protocol'

export type LinkState =
  | { at: 'off' }
  | { at: 'connecting'; attempt: number }
  | { at: 'greeting'; attempt: number }
  | { at: 'live' }
  | { at: 'waiting'; attempt: number; until: number }
  | { at: 'occupied'; since: string | null }
  | { at: 'displaced' }
  | { at: 'refused' }

export type LinkEvent =
  | { on: 'start'; takeOver: boolean }
  | { on: 'opened' }
  | { on: 'message'; type: FromServer['type']; since?: string }
  | { on: 'closed'; code: number }
  | { on: 'ticket_refused' }
  | { on: 'gap' }
  | { on: 'woken' }
  | { on: 'silent' }

export type Effect = { do: 'connect'; takeOver: boolean } | { do: 'drop' } | { do: 'retry'; at: number } | { do: 'log_in' }

const FIRST_S = 0.5
const CAP_S = 15

/** Full jitter: anywhere up to a doubling limit, so that a thousand desktops do not come back in one moment. */
export function backoff(attempt: number, random: number): number {
  return 1000 * Math.max(0.1, random * Math.min(CAP_S, FIRST_S * 2 ** attempt))
}

export function step(state: LinkState, event: LinkEvent, now: number, random: number): [LinkState, Effect[]] {
  const attempt = 'attempt' in state ? state.attempt : 0
  const later = (): [LinkState, Effect[]] => {
    const until = now + backoff(attempt, random)
    return [{ at: 'waiting', attempt: attempt + 1, until }, [{ do: 'drop' }, { do: 'retry', at: until }]]
  }
  switch (event.on) {
    case 'start':
      return [{ at: 'connecting', attempt: 0 }, [{ do: 'drop' }, { do: 'connect', takeOver: event.takeOver }]]
    case 'opened':
      return state.at === 'connecting' ? [{ at: 'greeting', attempt }, []] : [state, []]
    case 'message':
      if (event.type === 'welcome') return [{ at: 'live' }, []]
      if (event.type === 'occupied') return [{ at: 'occupied', since: event.since ?? null }, []]
      if (event.type === 'displaced') return [{ at: 'displaced' }, []]
      return [state, []]
    case 'ticket_refused':
      return [{ at: 'off' }, [{ do: 'drop' }, { do: 'log_in' }]]
    case 'gap':
    case 'silent':
      return state.at === 'live' ? later() : [state, []]
    case 'woken':
      if (state.at !== 'waiting' || state.until > now) return [state, []]
      return [{ at: 'connecting', attempt: state.attempt }, [{ do: 'connect', takeOver: false }]]
    case 'closed':
      if (state.at === 'off' || state.at === 'waiting' || state.at === 'occupied' || state.at === 'displaced') return [state, []]
      if (event.code === 4409) return [{ at: 'displaced' }, []]
      if (event.code === 4403) return [{ at: 'refused' }, []]
      return later()
  }
}

// ---- the shell

export interface LinkHooks {
  url: () => string
  ticket: () => Promise<string>
  /** Where to resume; null for a fresh snapshot. */
  resume: () => { stream: string; seq: number } | null
  /** Takes a message in; false where messages are missing before it. */
  message: (message: FromServer) => boolean
  changed: (state: LinkState) => void
  loggedOut: () => void
  /** Is the server there? Asked when nothing was heard for a while: browsers hide protocol pings from the page. */
  alive: () => Promise<boolean>
}

const SILENCE_MS = 25_000
const GREETING_MS = 8_000

export class Link {
  #state: LinkState = { at: 'off' }
  #socket: WebSocket | null = null
  #retry: ReturnType<typeof setTimeout> | undefined
  #watch: ReturnType<typeof setTimeout> | undefined
  #hooks: LinkHooks
  #connecting = 0

  constructor(hooks: LinkHooks) {
    this.#hooks = hooks
    addEventListener('online', () => this.#wake())
    addEventListener('offline', () => this.#happen({ on: 'silent' }))
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') void this.#probe()
    })
  }

  get state(): LinkState {
    return this.#state
  }

  start(takeOver = false): void {
    this.#happen({ on: 'start', takeOver })
  }

  stop(): void {
    this.#state = { at: 'off' }
    clearTimeout(this.#retry)
    this.#drop()
    this.#hooks.changed(this.#state)
  }

  send(message: FromDesktop): void {
    if (this.#state.at === 'live' && this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message))
  }

  /** Do not wait for the rest of the back-off. */
  retryNow(): void {
    this.#wake()
  }

  #wake(): void {
    if (this.#state.at !== 'waiting') return
    this.#state = { ...this.#state, until: 0 }
    this.#happen({ on: 'woken' })
  }

  #happen(event: LinkEvent): void {
    const [next, effects] = step(this.#state, event, Date.now(), Math.random())
    const moved = next !== this.#state
    this.#state = next
    for (const effect of effects) this.#perform(effect)
    if (moved) this.#hooks.changed(this.#state)
  }

  #perform(effect: Effect): void {
    switch (effect.do) {
      case 'connect':
        clearTimeout(this.#retry)
        void this.#connect(effect.takeOver)
        break
      case 'drop':
        this.#drop()
        break
      case 'retry':
        clearTimeout(this.#retry)
        this.#retry = setTimeout(() => this.#wake(), Math.max(0, effect.at - Date.now()))
        break
      case 'log_in':
        this.#hooks.loggedOut()
    }
  }

  async #connect(takeOver: boolean): Promise<void> {
    const mine = ++this.#connecting
    const current = () => mine === this.#connecting
    let ticket: string
    try {
      ticket = await this.#hooks.ticket()
    } catch (error) {
      if (current()) this.#happen(isRefusal(error) ? { on: 'ticket_refused' } : { on: 'closed', code: 1006 })
      return
    }
    if (!current()) return
    let socket: WebSocket
    try {
      socket = new WebSocket(this.#hooks.url())
    } catch {
      this.#happen({ on: 'closed', code: 1006 })
      return
    }
    this.#socket = socket
    this.#listen(GREETING_MS)
    socket.onopen = () => {
      if (!current()) return
      const resume = this.#hooks.resume()
      socket.send(JSON.stringify({ type: 'hello', ticket, resume, take_over: takeOver } satisfies FromDesktop))
      this.#happen({ on: 'opened' })
    }
    socket.onmessage = ({ data }) => {
      if (current()) this.#take(String(data))
    }
    socket.onclose = ({ code }) => {
      if (current()) this.#happen({ on: 'closed', code })
    }
  }

  #take(data: string): void {
    let message: FromServer
    try {
      message = JSON.parse(data) as FromServer
    } catch {
      return
    }
    this.#listen(SILENCE_MS)
    const complete = this.#hooks.message(message)
    this.#happen({ on: 'message', type: message.type, ...(message.type === 'occupied' ? { since: message.since } : {}) })
    if (!complete) this.#happen({ on: 'gap' })
  }

  /** After so long without a word, ask whether the server is still there. */
  #listen(ms: number): void {
    clearTimeout(this.#watch)
    this.#watch = setTimeout(() => void this.#probe(), ms * (0.9 + 0.2 * Math.random()))
  }

  async #probe(): Promise<void> {
    if (this.#state.at !== 'live' && this.#state.at !== 'greeting' && this.#state.at !== 'connecting') return
    const mine = this.#connecting
    const alive = await this.#hooks.alive()
    if (mine !== this.#connecting) return
    if (this.#state.at === 'live') alive ? this.#listen(SILENCE_MS) : this.#happen({ on: 'silent' })
    else if (this.#socket !== null) this.#happen({ on: 'closed', code: 1006 }) // greeted, and no answer
  }

  #drop(): void {
    this.#connecting++
    clearTimeout(this.#watch)
    this.#socket?.close(1000)
    this.#socket = null
  }
}

function isRefusal(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'status' in error && (error.status === 401 || error.status === 403)
}
