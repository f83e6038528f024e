// Keys on their way to the other side: in the order pressed, one batch at a time, each seen as sent or still to be sent.

export const KEYS = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '0', '#'] as const
const BATCH = 32

export function isKey(text: string): boolean {
  return (KEYS as readonly string[]).includes(text)
}

export interface KeyLine {
  readonly sent: string
  /** With the PBX now. */
  readonly going: string
  readonly waiting: string
}

export const NO_KEYS: KeyLine = { sent: '', going: '', waiting: '' }

export function pressed(line: KeyLine, keys: string): KeyLine {
  const good = [...keys].filter(isKey).join('')
  return { ...line, waiting: line.waiting + good }
}

/** Takes the next batch, unless one is still going or nothing waits. */
export function next(line: KeyLine): KeyLine {
  if (line.going !== '' || line.waiting === '') return line
  return { ...line, going: line.waiting.slice(0, BATCH), waiting: line.waiting.slice(BATCH) }
}

export function arrived(line: KeyLine): KeyLine {
  return { ...line, sent: line.sent + line.going, going: '' }
}

/** What follows a lost key would mean something else: the rest is not sent. */
export function failed(line: KeyLine): KeyLine {
  return { ...line, going: '', waiting: '' }
}
