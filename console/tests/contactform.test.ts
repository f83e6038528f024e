import { describe, expect, test } from 'vitest'
import { bodyOf, changesOf, fromCall, fromContact, wrongWith } from '../src/contactform'
import type { CallView, ContactView, CustomerCard } from '../src/protocol'
import { withContact } from '../src/state'

const ANNA: ContactView = {
  id: 'k1', code: '70012', name: 'Anna Berg', company: '', language: 'de', segment: '', tier: '', email: '',
  numbers: [{ typed: '030 / 555 12 34', e164: '+49305551234', label: 'office' }], preferences: {}, flags: ['do_not_call', 'of_a_later_server'],
  balance: '', cases: [], orders: [], fields: {}, url: '', matched_by: 'number', matched_value: '',
}
const EMPTY = { name: '', company: '', language: '', numbers: [], flags: [] }

describe('what is wrong', () => {
  test('stands by its field', () => {
    expect(wrongWith({ ...EMPTY, numbers: [{ typed: 'none', label: '' }, { typed: '030 123', label: 'x'.repeat(41) }] })).toEqual({
      name: 'nameOrCompany', 'number 0': 'badNumber', 'label 1': 'tooLongLabel',
    })
  })

  test('a company will do, and an empty line is no number', () => {
    expect(wrongWith({ ...EMPTY, company: 'Berg GmbH', numbers: [{ typed: ' ', label: '' }] })).toEqual({})
  })
})

describe('what goes over', () => {
  test('of a correction only what became another', () => {
    const filled = fromContact(ANNA)
    expect(changesOf(filled, ANNA)).toEqual({})
    filled.name = ' Anna Berg-Holm '
    filled.numbers.push({ typed: '', label: 'nothing' })
    expect(changesOf(filled, ANNA)).toEqual({ name: 'Anna Berg-Holm' })
    filled.flags = []
    expect(changesOf(filled, ANNA)).toEqual({ name: 'Anna Berg-Holm', flags: [] })
  })

  test('of a new customer the number they called from, and no name that only the network claims', () => {
    const call = { number: '+447700900123', number_shown: '+44 7700 900123', name: 'BERG A', journey: null } as CallView
    expect(bodyOf(fromCall(call, ''))).toEqual({ ...EMPTY, numbers: [{ typed: '+44 7700 900123', label: '' }] })
  })
})

describe('on the cards', () => {
  const card = {
    call: 'a', state: 'several', contacts: [ANNA, { ...ANNA, id: 'k2', name: 'Jan Berg' }], chosen: null, number_says: [], reason: '', source: 'Odoo',
    as_of: null, history: [], calls_24h: 1,
  } satisfies CustomerCard

  test('a correction stands wherever the contact does, and how they were found stays', () => {
    const after = withContact(card, { ...ANNA, name: 'Anna Berg-Holm', matched_by: 'code', matched_value: '70012' }, false)
    expect(after.contacts.map((one) => [one.name, one.matched_by])).toEqual([['Anna Berg-Holm', 'number'], ['Jan Berg', 'number']])
    expect(after.chosen).toBeNull()
  })

  test('a new customer is the one of the call they were made for', () => {
    const after = withContact({ ...card, state: 'unknown', contacts: [] }, ANNA, true)
    expect([after.state, after.chosen, after.contacts.length]).toEqual(['found', 'k1', 1])
  })
})
