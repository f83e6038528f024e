// What an agent's phone does by itself, whichever kind it is: the one place of the console where kinds of phones differ.
// The call bar knows nothing of it: whether a button may be pressed stands in `call.actions`, for every kind alike.

/** What a phone may be able to do without the PBX's help. */
export const MEDIA_VERBS = ['answer', 'hold', 'retrieve', 'keys'] as const
export type MediaVerb = (typeof MEDIA_VERBS)[number]

/** Each verb ends when it is done, or is rejected with the reason. */
export interface PhoneDevice {
  readonly kind: 'desk' | 'page'
  /** Verbs that the device carries out itself. */
  readonly abilities: ReadonlySet<MediaVerb>
  answer(call: string): Promise<void>
  hold(call: string): Promise<void>
  retrieve(call: string): Promise<void>
  /** `keys`: 1 to 32 of `0-9*#`. */
  keys(call: string, keys: string): Promise<void>
}

/** Has the service do something with a call. */
export type AskService = (call: string, action: MediaVerb, more?: { keys: string }) => Promise<void>

/** A phone on the desk: the PBX moves it, and the service asks the PBX. */
export class DeskPhone implements PhoneDevice {
  readonly kind = 'desk'
  readonly abilities: ReadonlySet<MediaVerb> = new Set()
  #ask: AskService

  constructor(ask: AskService) {
    this.#ask = ask
  }

  answer(call: string): Promise<void> {
    return this.#ask(call, 'answer')
  }

  hold(call: string): Promise<void> {
    return this.#ask(call, 'hold')
  }

  retrieve(call: string): Promise<void> {
    return this.#ask(call, 'retrieve')
  }

  keys(call: string, keys: string): Promise<void> {
    return this.#ask(call, 'keys', { keys })
  }
}
