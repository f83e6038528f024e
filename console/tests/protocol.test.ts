import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { typescript } from '../scripts/protocol.mjs'

const SCHEMA = new URL('../../docs/reference/desktop-protocol.schema.json', import.meta.url)

test.skipIf(!existsSync(SCHEMA))('src/protocol.ts says what the server’s schema says (npm run protocol)', () => {
  const written = readFileSync(new URL('../src/protocol.ts', import.meta.url), 'utf8')
  expect(written).toBe(typescript(JSON.parse(readFileSync(SCHEMA, 'utf8'))))
})
