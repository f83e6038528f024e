// Which key does what. Pure, so that the sheet under `?` and the tests read the same table.
export type Command = 'search' | 'end' | 'save' | 'regions' | 'regionsBack' | 'close' | 'help' | 'note' | 'result' | 'pop'

export interface Stroke {
  key: string
  ctrlKey: boolean
  shiftKey: boolean
  altKey: boolean
  metaKey: boolean
}

/** The command of a key stroke. Single letters count only where no text field has the focus (WCAG 2.1.4). */
export function commandFor(stroke: Stroke, inTextField: boolean): Command | null {
  const { key, shiftKey, altKey } = stroke
  const ctrl = stroke.ctrlKey || stroke.metaKey
  if (key === 'F6') return shiftKey ? 'regionsBack' : 'regions'
  if (key === 'Escape') return 'close'
  if (ctrl && !altKey && !shiftKey && key.toLowerCase() === 'k') return 'search'
  if (ctrl && !altKey && shiftKey && key.toLowerCase() === 'e') return 'end'
  if (ctrl && !altKey && !shiftKey && key === 'Enter') return 'save'
  if (inTextField || ctrl || altKey) return null
  return ({ '?': 'help', n: 'note', r: 'result', p: 'pop' } as Record<string, Command>)[key] ?? null
}

export function isTextField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true
  return target instanceof HTMLInputElement && !['checkbox', 'radio', 'range', 'button'].includes(target.type)
}
