import { describe, expect, test } from 'vitest'
import { Clock, duration, elapsed } from '../src/clock'
import { age, byDay, daysAgo, filterHistory, humanise, isolated, looksLikeNumber } from '../src/format'
import { en } from '../src/i18n/en'
import { zhHans } from '../src/i18n/zh-Hans'
import { zhHant } from '../src/i18n/zh-Hant'
import { commandFor } from '../src/keys'
import type { HistoryItem } from '../src/protocol'

describe('languages', () => {
  const tables = { 'zh-Hant': zhHant, 'zh-Hans': zhHans } as unknown as Record<string, Record<string, unknown>>

  test.each(Object.keys(tables))('%s has every message, and none left in English', (name) => {
    const same = untranslated(en as unknown as Record<string, unknown>, tables[name] ?? {})
    expect(same).toEqual([])
  })

  test('Simplified is not Traditional', () => {
    expect(JSON.stringify(zhHans)).not.toMatch(/[號碼來電話語選單訊結備註撥]/)
    expect(JSON.stringify(zhHant)).not.toMatch(/[号码来电话语选单讯结备注拨]/)
  })

  test('Chinese text has Chinese punctuation', () => {
    expect(JSON.stringify([zhHans, zhHant], (_, value: unknown) => (typeof value === 'function' ? String(value) : value))).not.toMatch(/[\u4e00-\u9fff][,;?]/)
  })

  test('English counts calls in order', () => {
    expect([1, 2, 3, 4, 11, 22].map(en.nthCall)).toEqual(['1st', '2nd', '3rd', '4th', '11th', '22nd'].map((nth) => `${nth} call in 24 h`))
  })
})

function untranslated(from: Record<string, unknown>, to: Record<string, unknown>, path = ''): string[] {
  return Object.entries(from).flatMap(([key, value]) => {
    const other = to[key]
    if (typeof value === 'object' && value !== null) return untranslated(value as Record<string, unknown>, other as Record<string, unknown>, `${path}${key}.`)
    if (typeof value === 'string') return other === value ? [path + key] : []
    return typeof other === 'function' ? [] : [path + key]
  })
}

describe('time', () => {
  test('minutes and seconds, hours only where there are any', () => {
    expect([0, 9.9, 61, 3599, 3600, 7322].map(duration)).toEqual(['00:00', '00:09', '01:01', '59:59', '1:00:00', '2:02:02'])
  })

  test('a stepped wall clock changes no timer', () => {
    let monotonic = 50
    const clock = new Clock(() => monotonic, 999)
    clock.set('2026-11-21T10:00:00Z')
    monotonic += 2500
    expect(elapsed('2026-11-21T10:00:00Z', clock.now())).toBe(2)
  })

  test('time never runs backwards', () => {
    expect(elapsed('2026-11-21T10:00:05Z', Date.parse('2026-11-21T10:00:00Z'))).toBe(0)
  })

  test('yesterday is a day of the calendar', () => {
    const midnight = new Date(2026, 10, 21, 0, 0, 1).getTime()
    expect(daysAgo(midnight - 2000, midnight)).toBe(1)
    expect(daysAgo(new Date(2026, 2, 28, 23).getTime(), new Date(2026, 2, 30, 1).getTime())).toBe(2) // a summer-time night between
  })

  test('ages', () => {
    const now = Date.parse('2026-11-21T10:00:00Z')
    expect(age('2026-11-21T09:59:58Z', now, 'en')).toBe('now')
    expect(age('2026-11-19T09:00:00Z', now, 'en')).toBe('2 days ago')
    expect(age('2026-11-21T07:00:00Z', now, 'zh-Hant')).toContain('3')
  })
})

describe('history', () => {
  const item = (more: Partial<HistoryItem>): HistoryItem => ({
    call: 'a', at: '2026-11-21T10:00:00Z', direction: 'inbound', outcome: 'answered', queue: '', agent: '', talk_s: 1, result: '', note: '', number: '', ivr: '', ...more,
  })
  const missed = item({ call: 'm', outcome: 'abandoned' })
  const out = item({ call: 'o', direction: 'outbound', outcome: 'no_answer' })
  const noted = item({ call: 'n', note: 'x', at: '2026-11-19T10:00:00Z' })
  const ids = (items: HistoryItem[]) => items.map((one) => one.call)

  test('an unanswered call of ours is not one the customer missed', () => {
    expect(ids(filterHistory([missed, out, noted], new Set(['missed'])))).toEqual(['m'])
  })

  test('chips add up, and none shows all', () => {
    expect(ids(filterHistory([missed, out, noted], new Set(['outbound', 'notes'])))).toEqual(['o', 'n'])
    expect(filterHistory([missed, out, noted], new Set())).toHaveLength(3)
  })

  test('grouped by day, in order', () => {
    expect(byDay([missed, out, noted]).map((group) => ids(group.items))).toEqual([['m', 'o'], ['n']])
  })
})

test('a name with overrides in it moves nothing around it', () => {
  expect(isolated('\u2069\u202eevil')).toBe('\u2068\u202eevil\u2069')
})

test('what looks like a number', () => {
  expect(['+49 30 555', '030/555-12', '1001', '(02) 2345'].every(looksLikeNumber)).toBe(true)
  expect(['Anna', 'A-77', '7', ''].some(looksLikeNumber)).toBe(false)
})

test('a mapping file’s key reads as a label', () => {
  expect(humanise('preferred_contact-time')).toBe('Preferred contact time')
})

describe('keys', () => {
  const stroke = (key: string, held: Partial<Record<'ctrlKey' | 'shiftKey' | 'altKey' | 'metaKey', boolean>> = {}) => ({
    key, ctrlKey: false, shiftKey: false, altKey: false, metaKey: false, ...held,
  })

  test('single letters count only outside text fields', () => {
    expect(commandFor(stroke('n'), false)).toBe('note')
    expect(commandFor(stroke('n'), true)).toBeNull()
    expect(commandFor(stroke('r'), false)).toBe('ready')
    expect(commandFor(stroke('r'), true)).toBeNull()
    expect(commandFor(stroke('?', { shiftKey: true }), true)).toBeNull()
  })

  test('the others count everywhere', () => {
    expect(commandFor(stroke('k', { ctrlKey: true }), true)).toBe('search')
    expect(commandFor(stroke('Enter', { metaKey: true }), true)).toBe('save')
    expect(commandFor(stroke('E', { ctrlKey: true, shiftKey: true }), true)).toBe('end')
    expect(commandFor(stroke('R', { ctrlKey: true, shiftKey: true }), true)).toBe('ready')
    expect(commandFor(stroke('Escape'), true)).toBe('close')
  })

  test('Escape ends no call', () => {
    expect(commandFor(stroke('Escape'), false)).not.toBe('end')
  })
})
