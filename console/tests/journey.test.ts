import { describe, expect, test } from 'vitest'
import { en } from '../src/i18n/en'
import { crumbs, elided, proofOf, saidName } from '../src/journey'
import type { ContactView, CustomerCard, JourneyStep, JourneyView } from '../src/protocol'

function step(label: string, more: Partial<JourneyStep> = {}): JourneyStep {
  return { step: label, kind: 'menu', label, choice: '', keyed: '', spent_s: 3, failures: 0, how: 'done', ...more }
}

function journey(steps: JourneyStep[] = [], more: Partial<JourneyView> = {}): JourneyView {
  return {
    flow: 'bank', label: 'Bank', entered_at: '2026-11-21T10:00:00Z', spent_s: 40, outcome: 'to_agent', language: '', intent: '', contact: 'k1',
    contact_name: 'Anna Berg', contact_code: '20118', known_by: 'code', known_value: '20118', is_verified: false, callback_number: '',
    has_voicemail: false, steps, ...more,
  }
}

function card(chosen: string | null, more: Partial<CustomerCard> = {}): CustomerCard {
  const contacts = chosen ? [{ id: chosen } as ContactView] : []
  return {
    call: 'a', state: chosen ? 'found' : 'asking', contacts, chosen, number_says: [], reason: '', source: '', as_of: null, history: [],
    calls_24h: 0, ...more,
  }
}

const words = (steps: JourneyStep[], width: number) => elided(crumbs(journey(steps), en), width).map((one) => ('steps' in one ? `${one.steps}${one.isHard ? '!' : ''}` : one.text))

describe('the way on one line', () => {
  test('a choice stands for its step; what says nothing of the caller is not told', () => {
    const steps = [
      step('Greeting', { kind: 'say' }), step('Language', { kind: 'language', choice: 'English' }), step('Open?', { kind: 'hours' }),
      step('Customer code', { kind: 'identify', keyed: '20118' }), step('What for?', { choice: 'Orders' }),
    ]
    expect(crumbs(journey(steps), en).map((crumb) => [crumb.text, crumb.isProven])).toEqual([['Customer code', true], ['Orders', false]])
  })

  test('what failed behind the scenes is told', () => {
    const [crumb] = crumbs(journey([step('Order service', { kind: 'http', how: 'unavailable' })]), en)
    expect([crumb?.text, crumb?.note, crumb?.isHard]).toEqual(['Order service', 'not available', true])
  })

  test('asked three times is worth a word, asked twice is not', () => {
    const [twice, thrice] = crumbs(journey([step('Code', { failures: 1 }), step('PIN', { failures: 2 })]), en)
    expect([twice?.note, twice?.isHard, thrice?.note, thrice?.isHard]).toEqual(['', false, 'asked 3 times', true])
  })

  test('a short way is shown whole', () => {
    expect(words([step('One'), step('Two'), step('Three')], 40)).toEqual(['One', 'Two', 'Three'])
  })

  test('a long way loses its middle', () => {
    const steps = ['Language', 'Customer code', 'PIN', 'Main menu', 'Orders', 'Order 88301', 'Talk to us', 'Support'].map((label) => step(label))
    expect(words(steps, 48)).toEqual(['Language', 'Customer code', '4', 'Talk to us', 'Support'])
  })

  test('what was hard goes last, and then the gap says so', () => {
    const steps = Array.from({ length: 12 }, (_, n) => step(`Step number ${n}`, { failures: n === 5 ? 2 : 0 }))
    expect(words(steps, 63)).toEqual(['Step number 0', '4', 'Step number 5', '5', 'Step number 11'])
    expect(words(steps, 50)).toEqual(['5', 'Step number 5', '5', 'Step number 11'])
    expect(words(steps, 20)).toEqual(['11!', 'Step number 11'])
  })

  test('Chinese letters are twice as wide', () => {
    const steps = ['語言', '客戶代碼', '密碼', '訂單查詢', '轉接客服'].map((label) => step(label))
    expect(words(steps, 42)).toEqual(['語言', '客戶代碼', '密碼', '訂單查詢', '轉接客服'])
    expect(words(steps, 41)).toEqual(['語言', '客戶代碼', '1', '訂單查詢', '轉接客服'])
  })
})

describe('who it is', () => {
  test('a PIN proves the one who said so and nobody else', () => {
    const verified = journey([], { is_verified: true })
    expect([proofOf(verified, card('k1')), proofOf(verified, card('k2')), proofOf(journey(), card('k1'))]).toEqual(['pin', null, 'said'])
  })

  test('who came through no menu, or said nothing there, has proved nothing', () => {
    expect([proofOf(null, card('k1')), proofOf(journey([], { contact: '', is_verified: true }), card('k1'))]).toEqual([null, null])
  })

  test('until the customer system answers, the name they gave stands', () => {
    const verified = journey([], { is_verified: true })
    expect([saidName(verified, card(null)), proofOf(verified, card(null))]).toEqual(['Anna Berg', 'pin'])
  })

  test('once an agent ruled them out, it stands no more', () => {
    const ruledOut = card(null, { state: 'several' })
    expect([saidName(journey(), ruledOut), proofOf(journey(), ruledOut)]).toEqual(['', null])
  })
})
