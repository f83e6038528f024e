// The server's time, counted on by this machine's monotonic clock: a wrong or stepped wall clock changes no timer.

export class Clock {
  #server: number
  #mark: number
  #monotonic: () => number

  constructor(monotonic: () => number = () => performance.now(), wall: number = Date.now()) {
    this.#monotonic = monotonic
    this.#mark = monotonic()
    this.#server = wall
  }

  /** The server says what time it is. */
  set(now: string): void {
    const at = Date.parse(now)
    if (Number.isNaN(at)) return
    this.#server = at
    this.#mark = this.#monotonic()
  }

  /** Milliseconds since 1970 by the server's clock. */
  now(): number {
    return this.#server + (this.#monotonic() - this.#mark)
  }
}

/** Whole seconds from `since` until `now`, never negative. */
export function elapsed(since: string, now: number): number {
  return Math.max(0, Math.floor((now - Date.parse(since)) / 1000))
}

/** `02:31`, and `1:02:31` from an hour on. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  const two = (value: number) => String(value).padStart(2, '0')
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${two(m)}:${two(s)}`
}
