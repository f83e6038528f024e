// The ring tone. It is written into the sound card's future up to the pop's expiry, so that it ends by itself even in a
// tab that froze; and of several tabs one rings.

export class Ringer {
  volume = 0.5
  /** Called when the browser will not play before the first click on the page. */
  blocked: (is: boolean) => void = () => {}
  #context: AudioContext | null = null
  #playing = new Map<string, GainNode>()
  #channel: BroadcastChannel | null = null
  #tab = Math.random().toString(36).slice(2)

  constructor() {
    if ('BroadcastChannel' in globalThis) {
      this.#channel = new BroadcastChannel('cti.ring')
      this.#channel.onmessage = ({ data }) => this.#heard(data as { pop: string; tab: string })
    }
    const unlock = () => {
      const context = this.#audio()
      if (context?.state === 'suspended') void context.resume().then(() => this.blocked(false))
    }
    addEventListener('pointerdown', unlock)
    addEventListener('keydown', unlock)
  }

  ring(pop: string, seconds: number): void {
    if (this.volume <= 0 || seconds <= 0 || this.#playing.has(pop)) return
    this.#channel?.postMessage({ pop, tab: this.#tab })
    this.#play(pop, Math.min(seconds, 120))
  }

  stop(pop: string): void {
    const gain = this.#playing.get(pop)
    this.#playing.delete(pop)
    if (gain === undefined || this.#context === null) return
    gain.gain.cancelScheduledValues(0)
    gain.gain.setTargetAtTime(0, this.#context.currentTime, 0.02)
    setTimeout(() => gain.disconnect(), 200)
  }

  stopAll(): void {
    for (const pop of [...this.#playing.keys()]) this.stop(pop)
  }

  test(): void {
    this.stop('test')
    this.#play('test', 2)
    setTimeout(() => this.stop('test'), 2100)
  }

  /** Two tabs with the same pop: the one with the lower name rings. */
  #heard({ pop, tab }: { pop: string; tab: string }): void {
    if (!this.#playing.has(pop)) return
    if (tab < this.#tab) this.stop(pop)
    else this.#channel?.postMessage({ pop, tab: this.#tab })
  }

  #audio(): AudioContext | null {
    if (this.#context === null && 'AudioContext' in globalThis) {
      try {
        this.#context = new AudioContext()
      } catch {
        return null
      }
    }
    return this.#context
  }

  #play(pop: string, seconds: number): void {
    const context = this.#audio()
    if (context === null) return
    if (context.state === 'suspended') void context.resume().catch(() => {})
    this.blocked(context.state === 'suspended')
    const gain = context.createGain()
    gain.gain.value = 0
    gain.connect(context.destination)
    const start = context.currentTime + 0.01
    const stop = start + seconds
    // Two soft strokes every 2.4 s, a fifth apart.
    for (let at = start; at < stop; at += 2.4) {
      for (const [offset, length] of [[0, 0.35], [0.45, 0.5]] as const) {
        gain.gain.setTargetAtTime(this.volume * 0.4, at + offset, 0.015)
        gain.gain.setTargetAtTime(0, at + offset + length, 0.06)
      }
    }
    for (const frequency of [587.33, 880]) {
      const tone = context.createOscillator()
      tone.type = 'sine'
      tone.frequency.value = frequency
      tone.connect(gain)
      tone.start(start)
      tone.stop(stop)
    }
    this.#playing.set(pop, gain)
  }
}
