// A note on its way to the server: kept in this browser with every key stroke, sent once a second, forgotten here only
// when the server has it. Works the same through reloads, lost connections and expired sessions.
import { remember, remembered } from './memory'

export type DraftState = 'clean' | 'dirty' | 'saving' | 'saved' | 'local'

export interface DraftStore {
  load: (call: string) => Promise<string>
  save: (call: string, text: string) => Promise<unknown>
}

const EVERY_MS = 1000
const RETRY_MS = 5000
/** The server is there and does not want it, as of a call it does not know (yet). */
const REFUSED_RETRY_MS = 60_000

export class Draft {
  readonly call: string
  text = ''
  state: DraftState = 'clean'
  #agent: string
  #store: DraftStore
  #changed: (draft: Draft) => void
  #timer: ReturnType<typeof setTimeout> | undefined
  #due = 0
  #edits = 0
  #closed = false

  constructor(agent: string, call: string, store: DraftStore, changed: (draft: Draft) => void) {
    this.#agent = agent
    this.call = call
    this.#store = store
    this.#changed = changed
    const kept = remembered(this.#key)
    if (kept !== null) {
      this.text = kept
      this.#edits++
      this.#become('local')
      this.#later(0)
    }
  }

  get #key(): string {
    return `draft.${this.#agent}.${this.call}`
  }

  /** What the server has, unless something newer stands here. `fallback`: the note as it was saved before. */
  async load(fallback = ''): Promise<void> {
    if (this.#edits === 0 && fallback) this.text = fallback
    const text = await this.#store.load(this.call).catch(() => '')
    if (this.#edits === 0 && text) this.text = text
    this.#changed(this)
  }

  edit(text: string): void {
    if (text === this.text) return
    this.text = text
    this.#edits++
    remember(this.#key, text)
    this.#become('dirty')
    this.#later(EVERY_MS)
  }

  /** The note is on record: nothing is left to keep. */
  settle(): void {
    clearTimeout(this.#timer)
    this.#edits++
    remember(this.#key, null)
    this.#become('clean')
  }

  /** Send what is left at once, as when the connection is back or another call is looked at. */
  flush(): void {
    if (this.state === 'dirty' || this.state === 'local') this.#later(0)
  }

  close(): void {
    this.flush()
    this.#closed = true
  }

  #become(state: DraftState): void {
    this.state = state
    this.#changed(this)
  }

  #later(ms: number): void {
    const due = performance.now() + ms
    if (this.#timer !== undefined && this.#due <= due) return // one is on its way and will take the newest text
    clearTimeout(this.#timer)
    this.#due = due
    this.#timer = setTimeout(() => void this.#save(), ms)
  }

  async #save(): Promise<void> {
    this.#timer = undefined
    const edit = this.#edits
    this.#become('saving')
    try {
      await this.#store.save(this.call, this.text)
    } catch (error) {
      if (edit !== this.#edits && this.state === 'clean') return // settled meanwhile
      this.#become('local')
      if (!this.#closed) this.#later(isRefused(error) ? REFUSED_RETRY_MS : RETRY_MS)
      return
    }
    if (edit !== this.#edits) {
      if (this.state !== 'clean') {
        this.#become('dirty')
        this.#later(EVERY_MS)
      }
      return
    }
    remember(this.#key, null)
    this.#become('saved')
  }
}

function isRefused(error: unknown): boolean {
  const status = typeof error === 'object' && error !== null && 'status' in error ? Number(error.status) : 0
  return status >= 400 && status < 500 && status !== 401 && status !== 429
}
