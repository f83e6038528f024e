// Writes src/protocol.ts from docs/reference/desktop-protocol.schema.json, which comes from cti/screenpop/messages.py.
// `npm run protocol` after a change there; a test fails while the two differ.
import { readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const HEAD = `// The desktop protocol, version 1. Written by scripts/protocol.mjs from docs/reference/desktop-protocol.schema.json: do not edit.
// Times are RFC 3339 in UTC, durations seconds. Everything a caller or a CRM wrote is text to show as it stands, never markup.
`

/** What desktops say: a field with a default may be left out. What the server says always has all its fields. */
const SAID_BY_DESKTOPS = new Set(['Hello', 'Resume', 'Receipt', 'Focus'])

export function typescript(schema) {
  return HEAD + Object.entries(schema.$defs).map(([name, def]) => `\n${declaration(name, def)}\n`).join('')
}

function declaration(name, def) {
  if (def.anyOf) return `export type ${name} = ${type(def)}`
  const required = new Set(def.required ?? [])
  const fields = Object.entries(def.properties).map(([field, of]) => {
    const optional = SAID_BY_DESKTOPS.has(name) && !required.has(field) ? '?' : ''
    return `  ${field}${optional}: ${type(of)}`
  })
  const doc = def.description ? `/** ${def.description.replaceAll(/\s+/g, ' ').replaceAll('``', '`')} */\n` : ''
  return `${doc}export interface ${name} {\n${fields.join('\n')}\n}`
}

function type(of) {
  if (of.$ref) return of.$ref.split('/').at(-1)
  if (of.enum) return of.enum.map((value) => `'${value}'`).join(' | ')
  if (of.anyOf) return of.anyOf.map(type).join(' | ')
  if (of.type === 'array') return of.items.enum || of.items.anyOf ? `(${type(of.items)})[]` : `${type(of.items)}[]`
  if (of.type === 'object') return `Record<string, ${type(of.additionalProperties)}>`
  return { string: 'string', integer: 'number', number: 'number', boolean: 'boolean', null: 'null' }[of.type]
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const from = process.argv[2] ?? new URL('../../docs/reference/desktop-protocol.schema.json', import.meta.url)
  writeFileSync(new URL('../src/protocol.ts', import.meta.url), typescript(JSON.parse(readFileSync(from, 'utf8'))))
}
