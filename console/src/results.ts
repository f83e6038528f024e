// What a result asks besides: checked here so that the agent hears at once, and on the server again.
export interface ResultField {
  name: string
  label: string
  kind: 'text' | 'number' | 'date' | 'choice'
  is_required: boolean
  choices: string[]
}

export type Mistake = 'missing' | 'no_number' | 'no_date' | 'no_choice'

/** A number as people write it, with a comma or a point: as a program reads it, or null. */
export function asNumber(text: string): string | null {
  const plain = text.replaceAll(/\s/g, '').replace(',', '.').replace(/^\+/, '')
  return /^-?\d{1,15}(\.\d{1,6})?$/.test(plain) ? plain : null
}

export function mistakeIn(field: ResultField, value: string): Mistake | null {
  const text = value.trim()
  if (text === '') return field.is_required ? 'missing' : null
  if (field.kind === 'number' && asNumber(text) === null) return 'no_number'
  if (field.kind === 'date' && !/^\d{4}-\d{2}-\d{2}$/.test(text)) return 'no_date'
  return field.kind === 'choice' && !field.choices.includes(text) ? 'no_choice' : null
}

export function mistakes(fields: readonly ResultField[], values: Readonly<Record<string, string>>): Record<string, Mistake> {
  return Object.fromEntries(
    fields.flatMap((field) => {
      const mistake = mistakeIn(field, values[field.name] ?? '')
      return mistake ? [[field.name, mistake]] : []
    }),
  )
}

/** What goes on record: what was filled in, and only of this result. */
export function filledIn(fields: readonly ResultField[], values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    fields.flatMap((field) => {
      const text = (values[field.name] ?? '').trim()
      return text === '' ? [] : [[field.name, field.kind === 'number' ? (asNumber(text) ?? text) : text]]
    }),
  )
}
