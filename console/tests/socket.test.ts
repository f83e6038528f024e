import { describe, expect, test } from 'vitest'
import { backoff, step, type LinkEvent, type LinkState } from '../src/socket'

function play(state: LinkState, ...events: LinkEvent[]) {
  const effects: string[] = []
  for (const event of events) {
    const [next, todo] = step(state, event, 1000, 0.5)
    state = next
    effects.push(...todo.map((effect) => effect.do))
  }
  return { state, effects }
}

const live: LinkState = { at: 'live' }

test('from start to live', () => {
  const events: LinkEvent[] = [{ on: 'start', takeOver: false }, { on: 'opened' }, { on: 'message', type: 'welcome' }]
  expect(play({ at: 'off' }, ...events)).toEqual({ state: live, effects: ['drop', 'connect'] })
})

test('a lost link is tried again, later each time, and the first welcome forgets it', () => {
  const closed: LinkEvent = { on: 'closed', code: 1006 }
  let { state } = play(live, closed)
  expect(state).toMatchObject({ at: 'waiting', attempt: 1 })
  for (let attempt = 2; attempt < 5; attempt++) {
    state = play({ ...(state as LinkState & { at: 'waiting' }), until: 0 }, { on: 'woken' }, closed).state
    expect(state).toMatchObject({ at: 'waiting', attempt })
  }
  state = play({ ...(state as LinkState & { at: 'waiting' }), until: 0 }, { on: 'woken' }, { on: 'opened' }, { on: 'message', type: 'welcome' }).state
  expect(play(state, closed).state).toMatchObject({ attempt: 1 })
})

test('the wait is anywhere up to a doubling limit, and never above 15 s', () => {
  expect([0, 1, 2, 3].map((attempt) => backoff(attempt, 1))).toEqual([500, 1000, 2000, 4000])
  expect(backoff(40, 1)).toBe(15_000)
  expect(backoff(3, 0)).toBe(100)
})

test('a gap and a silent server say hello again', () => {
  for (const on of ['gap', 'silent'] as const) {
    const { state, effects } = play(live, { on })
    expect(state.at).toBe('waiting')
    expect(effects).toEqual(['drop', 'retry'])
  }
})

describe('when not to try again', () => {
  test('another desktop took over', () => {
    expect(play(live, { on: 'message', type: 'displaced' }, { on: 'closed', code: 4409 })).toEqual({ state: { at: 'displaced' }, effects: [] })
  })

  test('another desktop is open, until the agent says: use here', () => {
    const occupied: LinkEvent = { on: 'message', type: 'occupied', since: '2026-11-21T10:00:00Z' }
    const { state } = play({ at: 'greeting', attempt: 0 }, occupied, { on: 'closed', code: 4409 })
    expect(state).toEqual({ at: 'occupied', since: '2026-11-21T10:00:00Z' })
    const [, effects] = step(state, { on: 'start', takeOver: true }, 0, 0)
    expect(effects).toContainEqual({ do: 'connect', takeOver: true })
  })

  test('the session has ended', () => {
    expect(play({ at: 'connecting', attempt: 3 }, { on: 'ticket_refused' })).toEqual({ state: { at: 'off' }, effects: ['drop', 'log_in'] })
  })

  test('the account may not', () => {
    expect(play({ at: 'greeting', attempt: 0 }, { on: 'closed', code: 4403 }).state).toEqual({ at: 'refused' })
  })
})

test('a ticket that ran out is only a reason to fetch another', () => {
  expect(play({ at: 'greeting', attempt: 0 }, { on: 'closed', code: 4401 }).state.at).toBe('waiting')
})
