// Which key does what. Pure, so that the sheet under `?` and the tests read the same table.
export type Command = 'search' | 'answer' | 'end' | 'hold' | 'transfer' | 'keypad' | 'save' | 'regions' | 'regionsBack' | 'close' | 'help' | 'note' | 'result' | 'pop' | 'ready'

export interface Stroke {
  key: string
  ctrlKey: boolean
  shiftKey: boolean
  altKey: boolean
  metaKey: boolean
}

/** With Ctrl+Shift. In a tab of its own Chrome keeps Ctrl+Shift+T to itself, so a plain T does it too. */
const SHIFTED: Record<string, Command> = { a: 'answer', e: 'end', h: 'hold', t: 'transfer', k: 'keypad', r: 'ready' }

/** The command of a key stroke. Single letters count only where no text field has the focus (WCAG 2.1.4). */
export function commandFor(stroke: Stroke, inTextField: boolean): Command | null {
  const { key, shiftKey, altKey } = stroke
  const ctrl = stroke.ctrlKey || stroke.metaKey
  if (key === 'F6') return shiftKey ? 'regionsBack' : 'regions'
  if (key === 'Escape') return 'close'
  if (ctrl && !altKey && !shiftKey && key.toLowerCase() === 'k') return 'search'
  if (ctrl && !altKey && shiftKey) return SHIFTED[key.toLowerCase()] ?? null
  if (ctrl && !altKey && !shiftKey && key === 'Enter') return 'save'
  if (inTextField || ctrl || altKey) return null
  return ({ '?': 'help', n: 'note', w: 'result', r: 'ready', p: 'pop', t: 'transfer' } as Record<string, Command>)[key] ?? null
}

export function isTextField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true
  return target instanceof HTMLInputElement && !['checkbox', 'radio', 'range', 'button'].includes(target.type)
}
