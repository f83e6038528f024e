import { describe, expect, test } from 'vitest'
import { isGranted, isOthersDoing, offer, ranOut, secondsLeft, toneOf, wished, type Wish } from '../src/agent'
import type { NoticeDelta, PresenceView, WrapUpView } from '../src/protocol'
import { asNumber, filledIn, mistakes, type ResultField } from '../src/results'
import { EMPTY, putAway, receive, type Desk } from '../src/state'

const AT = '2026-11-21T10:00:00Z'
const WRAP_UP: WrapUpView = { call: 'a', queue: 'Billing', kind: 'required', began_at: AT, deadline: null, has_result: false }

function presence(more: Partial<PresenceView> = {}): PresenceView {
  return {
    agent: 'mara', state: 'READY', since: AT, reason_code: null, reason: '', cause: '', made_by: 'agent', by: 'Mara Lind', pending: null,
    wrap_up: null, is_confirmed: true, trouble: '', queues: ['Billing'], calls: 0, actions: [], ...more,
  }
}

function wish(state: Wish['state'], label = ''): Wish {
  return { state, reason: label ? { code: 1, label } : null, since: '2026-11-21T10:05:00Z', isSlow: false }
}

describe('what was asked for and is not answered yet', () => {
  test('shows at once, with its own timer', () => {
    const shown = wished(presence(), wish('NOT_READY', 'Break'))
    expect([shown.state, shown.reason, shown.since]).toEqual(['NOT_READY', 'Break', '2026-11-21T10:05:00Z'])
  })

  test('waits for the end of a call, and leaves the call on the screen', () => {
    const shown = wished(presence({ state: 'TALKING', calls: 1 }), wish('NOT_READY', 'Break'))
    expect([shown.state, shown.since, shown.pending?.reason]).toEqual(['TALKING', AT, 'Break'])
  })

  test('takes back what was to follow', () => {
    const pending = { state: 'LOGOUT', reason_code: null, reason: '', cause: '', by: '' } as const
    expect(wished(presence({ state: 'TALKING', calls: 1, pending }), wish('READY')).pending).toBeNull()
  })

  test('ready ends a wrap-up, a break only follows it', () => {
    const working = presence({ state: 'WORK_READY', wrap_up: WRAP_UP })
    expect(wished(working, wish('READY')).state).toBe('READY')
    expect(wished(working, wish('NOT_READY', 'Break'))).toMatchObject({ state: 'WORK_READY', pending: { reason: 'Break' } })
  })

  test.each([
    ['ready', presence(), wish('READY'), true],
    ['not ready for another reason', presence({ state: 'NOT_READY', reason_code: 2 }), wish('NOT_READY', 'Break'), false],
    ['not ready for this reason', presence({ state: 'NOT_READY', reason_code: 1 }), wish('NOT_READY', 'Break'), true],
    ['still pending in a call', presence({ state: 'TALKING', calls: 1 }), wish('NOT_READY', 'Break'), false],
    ['taken back in a call', presence({ state: 'TALKING', calls: 1 }), wish('READY'), true],
  ])('is granted or not: %s', (_, told, asked, granted) => {
    expect(isGranted(told, asked)).toBe(granted)
  })
})

describe('what may be asked for', () => {
  const told = presence({ actions: [{ name: 'READY', allowed: false, why_not: 'supervisor_only' }, { name: 'LOGOUT', allowed: true, why_not: '' }] })

  test.each([
    ['LOGOUT', true, true, ''],
    ['READY', true, false, 'supervisor_only'],
    ['NOT_READY', true, false, 'not_offered'],
    ['LOGOUT', false, false, 'link_lost'],
  ] as const)('%s', (verb, isLive, allowed, whyNot) => {
    expect(offer(told, verb, isLive)).toMatchObject({ allowed, why_not: whyNot })
  })
})

describe('whose doing it is', () => {
  test.each([
    ['missed_call', true],
    ['forced', true],
    ['pbx', true],
    ['a cause of a later server', true],
    ['chosen', false],
    ['logged_in', false],
  ])('not ready because of %s', (cause, others) => {
    expect(isOthersDoing(presence({ state: 'NOT_READY', cause }))).toBe(others)
  })

  test('a state of a later server has a colour', () => {
    expect(toneOf('LUNAR' as PresenceView['state'])).toBe('off')
  })
})

describe('a wrap-up that is over', () => {
  const before = presence({ state: 'WORK', wrap_up: WRAP_UP })

  test('by the clock, without its result', () => {
    expect(ranOut(before, presence(), new Set())).toBe('a')
  })

  test('by the agent, or with a result, is nothing to complain of', () => {
    expect(ranOut(before, presence(), new Set(['a']))).toBeNull()
    expect(ranOut(presence({ wrap_up: { ...WRAP_UP, has_result: true } }), presence(), new Set())).toBeNull()
  })

  test('not while it goes on, nor where nobody is told anything', () => {
    expect(ranOut(before, presence({ wrap_up: { ...WRAP_UP, has_result: true } }), new Set())).toBeNull()
    expect(ranOut(before, null, new Set())).toBeNull()
  })

  test('counts down in whole seconds, and never below none', () => {
    const now = Date.parse(AT)
    expect([secondsLeft('2026-11-21T10:00:00.2Z', now), secondsLeft('2026-11-21T09:59:00Z', now), secondsLeft(null, now)]).toEqual([1, 0, null])
  })
})

describe('what a result asks besides', () => {
  const field = (name: string, more: Partial<ResultField> = {}): ResultField => ({ name, label: name, kind: 'text', is_required: false, choices: [], ...more })

  test.each([
    ['129,50', '129.50'],
    ['+3', '3'],
    ['1 200', '1200'],
    ['1,140.50', null],
    ['1e9', null],
    ['', null],
  ])('%s as a number', (typed, number) => {
    expect(asNumber(typed)).toBe(number)
  })

  test('every mistake at once, and none where nothing is asked', () => {
    const fields = [
      field('amount', { kind: 'number', is_required: true }),
      field('due', { kind: 'date' }),
      field('way', { kind: 'choice', choices: ['Bank'] }),
      field('more'),
    ]
    expect(mistakes(fields, { due: 'soon', way: 'Cash' })).toEqual({ amount: 'missing', due: 'no_date', way: 'no_choice' })
    expect(mistakes(fields, { amount: '3', due: '2026-12-24', way: 'Bank' })).toEqual({})
  })

  test('only what belongs to the result goes on record', () => {
    expect(filledIn([field('amount', { kind: 'number' }), field('more')], { amount: ' 1,5 ', more: ' ', other: 'x' })).toEqual({ amount: '1.5' })
  })
})

describe('what the desk is told', () => {
  const notice = (seq: number): NoticeDelta => ({ type: 'notice', seq, kind: 'not_classified', at: AT, agent: 'jon', agent_name: 'Jon Ek', call: `a${seq}`, text: '' })

  test('my state, whole each time, and from a snapshot', () => {
    const desk = receive({ ...EMPTY, stream: 's' }, { type: 'presence', seq: 1, presence: presence({ state: 'HOLD' }) }) as Desk
    expect(desk.presence?.state).toBe('HOLD')
    const fresh = receive(desk, { type: 'snapshot', seq: 7, calls: [], cards: [], pops: [], pbxs: [], queues: [], presence: null, parked: [] }) as Desk
    expect(fresh.presence).toBeNull()
  })

  test('of notices the last five, and one heard twice once', () => {
    const desk = [1, 2, 3, 4, 5, 6, 6].reduce<Desk>((so, seq) => receive(so, notice(seq)) as Desk, { ...EMPTY, stream: 's' })
    expect(desk.warnings.map((one) => one.seq)).toEqual([2, 3, 4, 5, 6])
    expect(putAway(desk, desk.warnings[1] as NoticeDelta).warnings.map((one) => one.seq)).toEqual([2, 4, 5, 6])
  })
})
