// What the console says: short notices in a corner, and words for screen readers.
export interface Notice {
  id: number
  kind: 'info' | 'good' | 'bad'
  text: string
  action?: { label: string; run: () => void }
}

const SHOWN_MS = 6000
const SHOWN_LONG_MS = 15_000

class Notices {
  list = $state<Notice[]>([])
  /** Said at once by a screen reader, whatever it is reading: an incoming call. */
  urgent = $state('')
  /** Said when it has finished its sentence. */
  polite = $state('')
  #last = 0

  show(kind: Notice['kind'], text: string, action?: Notice['action']): number {
    const id = ++this.#last
    this.list = [...this.list.filter((one) => one.text !== text), { id, kind, text, ...(action ? { action } : {}) }].slice(-4)
    setTimeout(() => this.drop(id), action || kind === 'bad' ? SHOWN_LONG_MS : SHOWN_MS)
    return id
  }

  drop(id: number): void {
    this.list = this.list.filter((one) => one.id !== id)
  }
}

export const notices = new Notices()
