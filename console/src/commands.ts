// Commands given over REST, and what became of them. The answer 202 says only that it was taken; the end comes over the socket:
// one `done` or one `failed`, which may even be here before the 202.

/** It was not done. `reason` is the PBX's own words, or a message key of ours. */
export class CommandFailed extends Error {
  readonly reason: string

  constructor(reason: string) {
    super(reason)
    this.reason = reason
  }
}

/** Longer than any limit the server sets to a command: only for ends that got lost. */
const LIMIT_MS = 60_000

interface Waiting {
  done: () => void
  failed: (error: Error) => void
}

export class Commands {
  #waiting = new Map<string, Waiting>()

  /** Ends when the command has: resolved once the PBX's event said so, rejected with `CommandFailed` or what REST refused with. */
  give(send: (id: string) => Promise<unknown>): Promise<void> {
    const id = newId()
    return new Promise<void>((resolve, reject) => {
      const limit = setTimeout(() => this.#end(id, 'timeout'), LIMIT_MS)
      const over = () => {
        clearTimeout(limit)
        this.#waiting.delete(id)
      }
      const failed = (error: Error) => {
        over()
        reject(error)
      }
      const done = () => {
        over()
        resolve()
      }
      this.#waiting.set(id, { done, failed })
      send(id).catch(failed)
    })
  }

  ended(command: { command: string; status: 'done' | 'failed'; reason: string }): void {
    this.#end(command.command, command.status === 'done' ? null : command.reason)
  }

  /** A snapshot came: ends told meanwhile are lost, and what they brought about is in it. */
  forget(): void {
    for (const one of [...this.#waiting.values()]) one.done()
  }

  #end(id: string, reason: string | null): void {
    const one = this.#waiting.get(id)
    if (reason === null) one?.done()
    else one?.failed(new CommandFailed(reason))
  }
}

/** randomUUID exists only on secure pages, and a PBX's LAN often is none. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
