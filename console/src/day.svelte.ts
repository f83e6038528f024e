// My figures of today, as the record has them.
import { api, type Day } from './api'
import { desk } from './console.svelte'
import { midnight } from './format'

const EVERY_MS = 60_000
/** The record is written just after the fact. */
const AFTER_MS = 2000

class MyDay {
  /** Null: not told, as for people without a phone. */
  figures = $state.raw<Day | null>(null)
  #soon: ReturnType<typeof setTimeout> | undefined

  constructor() {
    desk.whenLive.push(() => void this.#load())
    desk.whenPresence.push((before, after) => before?.state !== after?.state && this.#later(AFTER_MS))
  }

  #later(ms: number): void {
    clearTimeout(this.#soon)
    this.#soon = setTimeout(() => void this.#load(), ms)
  }

  async #load(): Promise<void> {
    const agent = desk.me?.agent
    if (!desk.desk.presence && !desk.isLive) return
    const figures = await api.day(midnight(desk.clock.now())).catch(() => null)
    if (agent === desk.me?.agent) this.figures = figures ?? this.figures
    if (figures) this.#later(EVERY_MS)
  }
}

export const day = new MyDay()
