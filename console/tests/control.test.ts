import { readFileSync } from 'node:fs'
import { describe, expect, test, vi } from 'vitest'
import { CommandFailed, Commands } from '../src/commands'
import { button, consultationLost, consulted, customerSide, holdSide, partnerSide, recordSide, resumesIn } from '../src/control'
import { moved, targetsOf, toneOf, type Directory } from '../src/directory'
import { en } from '../src/i18n/en'
import { zhHans } from '../src/i18n/zh-Hans'
import { zhHant } from '../src/i18n/zh-Hant'
import { arrived, failed, next, NO_KEYS, pressed } from '../src/keyline'
import { commandFor } from '../src/keys'
import { DeskPhone, MEDIA_VERBS } from '../src/phone'
import type { Action, CallView, PartyView } from '../src/protocol'

const AT = '2026-11-21T10:00:00Z'

function party(leg: string, more: Partial<PartyView> = {}): PartyView {
  return { leg, role: 'agent', number: '1002', name: 'Jon Ek', state: 'connected', is_me: false, consult: false, ...more }
}

const CUSTOMER = party('c', { role: 'customer', number: '+49305551234', name: '' })
const ME = party('a', { name: 'Mara Lind', is_me: true })
const JON = party('j', { consult: true, state: 'ringing' })

function call(more: Partial<CallView> = {}): CallView {
  return {
    call: 'a', pbx: 'main', direction: 'inbound', state: 'talking', since: AT, offered_at: AT, answered_at: AT, ended_at: null,
    number: '+49305551234', number_shown: '+49 30 5551234', region: 'DE', name: '', dnis: '', dnis_label: '', queue: 'Billing',
    waited_s: 1, keys: {}, journey: null, parties: [CUSTOMER, ME], actions: [], outcome: null, talk_s: 0, hold_s: 0, has_spoken: true,
    recording: 'off', recording_resumes_at: null, parked_in: '', ...more,
  }
}

const may = (name: string): Action => ({ name, allowed: true, why_not: '' })
const mayNot = (name: string, why_not: string): Action => ({ name, allowed: false, why_not })

describe('buttons', () => {
  test('are drawn from what the server offers, each grey one with its reason', () => {
    const one = call({ actions: [may('hold'), mayNot('park', 'phone_cannot')] })
    expect(button(one, 'hold', {}, true).whyNot).toBe('')
    expect(button(one, 'park', {}, true).whyNot).toBe('phone_cannot')
    expect(button(one, 'record', {}, true).whyNot).toBe('not_offered')
    expect(button(one, 'hold', {}, false).whyNot).toBe('link_lost')
  })

  test('what is under way is busy, at once and without a spinner', () => {
    const underWay = { a: [{ action: 'hold', isSlow: false }] } as const
    expect(button(call({ actions: [may('hold')] }), 'hold', underWay, true)).toEqual({ action: 'hold', whyNot: '', isBusy: true, isSlow: false })
  })

  test('hold and retrieve share a place, and keep it until the command has ended', () => {
    expect(holdSide(call({ actions: [may('hold')] }), {})).toBe('hold')
    const held = call({ state: 'held', actions: [may('retrieve')] })
    expect(holdSide(held, {})).toBe('retrieve')
    expect(holdSide(held, { a: [{ action: 'hold', isSlow: true }] })).toBe('hold')
  })

  test('record starts, pauses and goes on, and says when by itself', () => {
    expect((['off', 'on', 'paused'] as const).map((recording) => recordSide(call({ recording })))).toEqual(['record', 'record_pause', 'record_resume'])
    const paused = call({ recording: 'paused', recording_resumes_at: '2026-11-21T10:00:42Z' })
    expect(resumesIn(paused, Date.parse(AT))).toBe(42)
    expect(resumesIn(paused, Date.parse('2026-11-21T10:01:00Z'))).toBe(0)
    expect(resumesIn(call({ recording: 'paused' }), Date.parse(AT))).toBeNull()
  })
})

describe('consultation', () => {
  const asking = call({ state: 'held', parties: [CUSTOMER, { ...ME, state: 'held' }, JON] })

  test('has the customer on hold and the colleague ringing, then talking', () => {
    expect([customerSide(asking), partnerSide(asking, JON)]).toEqual(['held', 'ringing'])
    expect(partnerSide(asking, { ...JON, state: 'connected' })).toBe('talking')
  })

  test('swapped, the colleague waits', () => {
    const swapped = call({ parties: [CUSTOMER, ME, { ...JON, state: 'connected' }] })
    expect([customerSide(swapped), partnerSide(swapped, swapped.parties[2]!)]).toEqual(['talking', 'held'])
  })

  test('whoever was asked in consults nobody', () => {
    expect(consulted(call({ parties: [CUSTOMER, { ...ME, consult: true }, party('j')] }))).toBeUndefined()
  })

  test('that nobody here ended is told, with how far it had come', () => {
    expect(consultationLost(asking, call())).toEqual({ who: JON, had: 'ringing' })
    expect(consultationLost(asking, call({ parties: [CUSTOMER, ME, { ...JON, consult: false, state: 'connected' }] }))).toBeNull()
    expect(consultationLost(asking, call({ state: 'ended' }))).toBeNull()
    expect(consultationLost(asking, asking)).toBeNull()
  })
})

describe('directory', () => {
  const directory: Directory = {
    agents: [
      { id: 'mara', name: 'Mara Lind', extension: '1001', state: 'TALKING', since: AT, reason: '', is_me: true },
      { id: 'jon', name: 'Jon Ek', extension: '1002', state: 'NOT_READY', since: AT, reason: 'Lunch', is_me: false },
      { id: 'eva', name: 'Eva', extension: '', state: 'LOGOUT', since: null, reason: '', is_me: false },
    ],
    queues: [{ name: 'Support', label: '', extension: '600', waiting: 4, ready: 1 }],
    number: { number: '+39069', shown: '+39 069', allowed: false, why_not: 'country_not_allowed' },
  }

  test('keeps the server’s order, leaves me out, and says who cannot be reached', () => {
    expect(targetsOf(directory).map(({ key, to, whyNot }) => [key, to, whyNot])).toEqual([
      ['agent jon', '1002', ''],
      ['agent eva', '', 'no_phone'],
      ['queue Support', '600', ''],
      ['number', '+39069', 'country_not_allowed'],
    ])
  })

  test('arrow keys stop at both ends, and begin at either', () => {
    const targets = targetsOf(directory)
    expect(moved(targets, null, 1)).toBe('agent jon')
    expect(moved(targets, null, -1)).toBe('number')
    expect(moved(targets, 'number', 1)).toBe('number')
    expect(moved(targets, 'agent jon', 1)).toBe('agent eva')
    expect(moved([], null, 1)).toBeNull()
  })

  test('a state of a later server is shown as away, not as ready', () => {
    expect(toneOf('DAYDREAMING' as never)).toBe('away')
    expect((['READY', 'HOLD', 'WORK_READY', 'NOT_READY'] as const).map(toneOf)).toEqual(['ready', 'talking', 'wrap-up', 'paused'])
  })
})

describe('keys', () => {
  test('go in the order pressed, one batch after the other', () => {
    let line = next(pressed(NO_KEYS, '1'))
    line = pressed(pressed(line, '2'), '#')
    expect(next(line)).toBe(line)
    line = next(arrived(line))
    expect(line).toEqual({ sent: '1', going: '2#', waiting: '' })
  })

  test('are at most 32 at once, and nothing but keys', () => {
    const line = next(pressed(NO_KEYS, `${'9'.repeat(40)} a,&`))
    expect([line.going.length, line.waiting]).toEqual([32, '99999999'])
  })

  test('after a lost key nothing more is sent', () => {
    const line = failed(pressed(next(pressed(NO_KEYS, '1')), '23'))
    expect(line).toEqual(NO_KEYS)
  })

  test('the call has its keys with Ctrl and Shift, also while somebody types', () => {
    const stroke = (key: string) => ({ key, ctrlKey: true, shiftKey: true, altKey: false, metaKey: false })
    expect(['A', 'E', 'H', 'T', 'K'].map((key) => commandFor(stroke(key), true))).toEqual(['answer', 'end', 'hold', 'transfer', 'keypad'])
    expect(commandFor({ ...stroke('Escape'), ctrlKey: false, shiftKey: false }, true)).toBe('close')
  })
})

describe('a desk phone', () => {
  test('does nothing by itself: each verb is asked of the service', async () => {
    const ask = vi.fn(async () => {})
    const phone = new DeskPhone(ask)
    expect([phone.kind, phone.abilities.size]).toEqual(['desk', 0])
    for (const verb of MEDIA_VERBS) await phone[verb]('a', '12#')
    expect(ask.mock.calls).toEqual([['a', 'answer'], ['a', 'hold'], ['a', 'retrieve'], ['a', 'keys', { keys: '12#' }]])
  })
})

describe('commands', () => {
  const given = (commands: Commands) => {
    let id = ''
    const result = commands.give(async (one) => {
      id = one
    })
    return { id, result }
  }

  test('end with the event, not with the 202', async () => {
    const commands = new Commands()
    const { id, result } = given(commands)
    const seen = vi.fn()
    void result.then(seen)
    await Promise.resolve()
    expect(seen).not.toHaveBeenCalled()
    commands.ended({ command: id, status: 'done', reason: '' })
    await expect(result).resolves.toBeUndefined()
  })

  test('fail with the PBX’s words, once', async () => {
    const commands = new Commands()
    const { id, result } = given(commands)
    commands.ended({ command: id, status: 'failed', reason: 'No such channel' })
    commands.ended({ command: id, status: 'done', reason: '' })
    await expect(result).rejects.toEqual(new CommandFailed('No such channel'))
  })

  test('refused by REST, fail with that', async () => {
    await expect(new Commands().give(() => Promise.reject(new Error('409')))).rejects.toThrow('409')
  })

  test('another’s end ends nothing; a snapshot ends what is left', async () => {
    const commands = new Commands()
    const { result } = given(commands)
    commands.ended({ command: 'another', status: 'failed', reason: 'x' })
    commands.forget()
    await expect(result).resolves.toBeUndefined()
  })

  test('whose end is lost do not wait for ever', async () => {
    vi.useFakeTimers()
    const { result } = given(new Commands())
    const over = expect(result).rejects.toEqual(new CommandFailed('timeout'))
    await vi.advanceTimersByTimeAsync(60_000)
    await over
    vi.useRealTimers()
  })
})

describe('words', () => {
  /** The values of an enumeration of the service. */
  const values = (file: string, name: string): string[] => {
    const source = readFileSync(new URL(`../../cti/${file}`, import.meta.url), 'utf8')
    const body = source.split(`class ${name}(`)[1]?.split('\nclass ')[0] ?? ''
    return [...body.matchAll(/^    [A-Z_]+ = "(.+)"$/gm)].map((match) => match[1]!)
  }
  const whyNot = values('screenpop/actions.py', 'WhyNot')
  const toll = values('toll.py', 'Why')

  test.each(Object.entries({ en, zhHant, zhHans }))('in %s there are some for each reason of the service', (_, words) => {
    expect(whyNot.length).toBeGreaterThan(15)
    expect(whyNot.filter((key) => !(key in words.control.whyNot) && !(key in words.whyNot))).toEqual([])
    expect(toll.length).toBeGreaterThan(3)
    expect(toll.filter((key) => !(key in words.transfer.whyNot))).toEqual([])
  })

  test('each action of the service has words for its failure, and none is made up here', () => {
    expect(Object.keys(en.control.failed).sort()).toEqual(values('screenpop/actions.py', 'ActionName').sort())
  })
})
