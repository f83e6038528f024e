import { describe, expect, test } from 'vitest'
import type { CallView, CustomerCard, FromServer, PopView } from '../src/protocol'
import { EMPTY, expire, liveCalls, openPops, receive, settle, type Desk } from '../src/state'

const AT = '2026-11-21T10:00:00Z'

function call(id: string, more: Partial<CallView> = {}): CallView {
  return {
    call: id, pbx: 'main', direction: 'inbound', state: 'ringing', since: AT, offered_at: AT, answered_at: null, ended_at: null,
    number: '+49305551234', number_shown: '+49 30 5551234', region: 'DE', name: '', dnis: '', dnis_label: '', queue: 'Billing',
    waited_s: 1, keys: {}, journey: null, parties: [], actions: [], outcome: null, talk_s: 0, hold_s: 0, has_spoken: false, ...more,
  }
}

function card(id: string, more: Partial<CustomerCard> = {}): CustomerCard {
  return { call: id, state: 'asking', contacts: [], chosen: null, number_says: [], reason: '', source: '', as_of: null, history: [], calls_24h: 0, ...more }
}

function pop(id: string, more: Partial<CallView> = {}): PopView {
  return { pop: `pop-${id}`, call: call(id, more), card: card(id), at: AT, expires_at: '2026-11-21T10:00:20Z' }
}

function after(...messages: FromServer[]): Desk {
  return messages.reduce<Desk>((desk, message) => {
    const next = receive(desk, message)
    if (next === 'gap') throw new Error('gap')
    return next
  }, { ...EMPTY, stream: 's' })
}

const talking = { state: 'talking', answered_at: AT, has_spoken: true } as const
const ended = { state: 'ended', answered_at: AT, has_spoken: true, outcome: 'answered' } as const

describe('numbers', () => {
  test('a message heard already changes nothing', () => {
    const desk = after({ type: 'pop', seq: 1, pop: pop('a') })
    expect(receive(desk, { type: 'pop_withdrawn', seq: 1, pop: 'pop-a', call: 'a', reason: 'expired' })).toBe(desk)
  })

  test('a missing message is a gap', () => {
    expect(receive(after({ type: 'pop', seq: 1, pop: pop('a') }), { type: 'call', seq: 3, call: call('a') })).toBe('gap')
  })

  test('a kind of a later server is passed over, and its number counts', () => {
    const desk = receive(EMPTY, { type: 'weather', seq: 1 } as unknown as FromServer) as Desk
    expect(desk.seq).toBe(1)
    expect(receive(desk, { type: 'call', seq: 2, call: call('a') })).not.toBe('gap')
  })
})

describe('pops', () => {
  test('a card that comes later stands in its own pop only', () => {
    const desk = after(
      { type: 'pop', seq: 1, pop: pop('a') },
      { type: 'pop', seq: 2, pop: pop('b') },
      { type: 'card', seq: 3, card: card('a', { state: 'found' }) },
    )
    expect(openPops(desk).map((one) => [one.call.call, one.card.state]).sort()).toEqual([['a', 'found'], ['b', 'asking']])
  })

  test('an answered pop leaves its card to the call', () => {
    const desk = after(
      { type: 'pop', seq: 1, pop: pop('a') },
      { type: 'card', seq: 2, card: card('a', { state: 'found' }) },
      { type: 'pop_withdrawn', seq: 3, pop: 'pop-a', call: 'a', reason: 'answered' },
      { type: 'call', seq: 4, call: call('a', talking) },
    )
    expect(openPops(desk)).toEqual([])
    expect(liveCalls(desk).map((one) => one.call)).toEqual(['a'])
    expect(desk.cards['a']?.state).toBe('found')
  })

  test('a pop that somebody else took leaves nothing behind', () => {
    const desk = after(
      { type: 'pop', seq: 1, pop: pop('a') },
      { type: 'pop_withdrawn', seq: 2, pop: 'pop-a', call: 'a', reason: 'answered_elsewhere' },
    )
    expect([desk.pops, desk.calls, desk.cards, desk.finished]).toEqual([{}, {}, {}, []])
  })

  test('a pop goes by itself when its time is over', () => {
    const desk = after({ type: 'pop', seq: 1, pop: pop('a') })
    expect(openPops(expire(desk, Date.parse('2026-11-21T10:00:19Z')))).toHaveLength(1)
    expect(openPops(expire(desk, Date.parse('2026-11-21T10:00:20Z')))).toHaveLength(0)
  })

  test('a ringing phone is no call of the call bar', () => {
    const desk = after({ type: 'pop', seq: 1, pop: pop('a') }, { type: 'call', seq: 2, call: call('a') })
    expect(liveCalls(desk)).toEqual([])
  })
})

describe('after the call', () => {
  test('a call I spoke on waits for its result, with its card', () => {
    const desk = after(
      { type: 'call', seq: 1, call: call('a', talking) },
      { type: 'card', seq: 2, card: card('a', { state: 'found' }) },
      { type: 'call', seq: 3, call: call('a', ended) },
    )
    expect(desk.finished.map((one) => one.call)).toEqual(['a'])
    expect(desk.cards['a']?.state).toBe('found')
    const settled = settle(desk, 'a')
    expect([settled.finished, settled.cards]).toEqual([[], {}])
  })

  test.each([
    ['a ring nobody took', { state: 'ended', outcome: 'abandoned' }],
    ['a call between colleagues', { ...ended, direction: 'internal' }],
    ['a call that went on in another', { ...ended, outcome: 'merged' }],
  ] as const)('%s wants no result', (_, how) => {
    expect(after({ type: 'call', seq: 1, call: call('a', how) }).finished).toEqual([])
  })

  test('a call that ended while the link was down still wants its result', () => {
    const before = after({ type: 'call', seq: 1, call: call('a', talking) })
    const desk = receive(before, { type: 'snapshot', seq: 9, calls: [], cards: [], pops: [], pbxs: [], queues: [] }) as Desk
    expect(desk.finished.map((one) => [one.call, one.state])).toEqual([['a', 'ended']])
    expect(desk.seq).toBe(9)
  })
})

test('a snapshot replaces what was known', () => {
  const before = after({ type: 'pop', seq: 1, pop: pop('a') })
  const desk = receive(before, {
    type: 'snapshot', seq: 5, calls: [call('b', talking)], cards: [card('b')], pops: [], queues: [],
    pbxs: [{ name: 'main', state: 'lost', since: AT }],
  }) as Desk
  expect(Object.keys(desk.calls)).toEqual(['b'])
  expect(desk.pops).toEqual({})
  expect(Object.keys(desk.cards)).toEqual(['b'])
  expect(desk.pbxs['main']?.state).toBe('lost')
})

test('the call that is talked on stands before the one on hold', () => {
  const desk = after(
    { type: 'call', seq: 1, call: call('held', { ...talking, state: 'held' }) },
    { type: 'call', seq: 2, call: call('talking', talking) },
  )
  expect(liveCalls(desk).map((one) => one.call)).toEqual(['talking', 'held'])
})

describe('a stream that goes on at another server', () => {
  const snapshot = (seq: number, pops: PopView[]): FromServer => ({ type: 'snapshot', seq, calls: [], cards: [], pops, pbxs: [], queues: [], presence: null, parked: [] })

  test('its snapshot is the next message, and a pop that is known stays the same', () => {
    const before = after({ type: 'pop', seq: 1, pop: pop('a') })
    const desk = receive(before, snapshot(2, [pop('a')])) as Desk
    expect([Object.keys(desk.pops), desk.seq]).toEqual([Object.keys(before.pops), 2])
    expect(receive(desk, { type: 'command', seq: 3, command: 'c', status: 'done', reason: '' })).not.toBe('gap')
  })

  test('a notice told again is there once', () => {
    const notice = { type: 'notice', kind: 'missed_call', at: AT, agent: 'mara', agent_name: 'Mara', call: 'a', text: '' } as const
    const desk = after({ ...notice, seq: 1 }, { ...notice, seq: 2 }, { ...notice, seq: 3, agent: 'jon' })
    expect(desk.warnings.map((one) => one.agent)).toEqual(['mara', 'jon'])
    expect(desk.seq).toBe(3)
  })
})
