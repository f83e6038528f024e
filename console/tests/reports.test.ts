import { describe, expect, test } from 'vitest'
import { decimal, rowOf, share, signed, sorted, turned, type Row, type StepFigures } from '../src/reports/figures'
import { between, lastDay, moments, preset, presetOf } from '../src/reports/period'
import { formatRoute, parseRoute } from '../src/route'

describe('the address', () => {
  test('says which report, and goes there again', () => {
    const route = { flow: 'bank', since: '2026-11-15', until: '2026-11-22' }
    expect(formatRoute(route)).toBe('#reports/ivr/bank?since=2026-11-15&until=2026-11-22')
    expect(parseRoute(formatRoute(route))).toEqual(route)
  })

  test('takes any name of a menu', () => {
    const route = { flow: '客服/a b?c#d', since: '', until: '' }
    expect(parseRoute(formatRoute(route))).toEqual(route)
  })

  test('without a menu is the page of reports, and anything else is the desk', () => {
    expect(parseRoute('#reports')).toEqual({ flow: '', since: '', until: '' })
    expect(['', '#', '#main', '#desk', '#reports/queues/x', '#reports/ivr/a/b'].map(parseRoute)).toEqual([null, null, null, null, null, null])
  })

  test('leaves out what is no day and no name', () => {
    expect(parseRoute('#reports/ivr/%E0%A4%A?since=yesterday&until=2026-99-99')).toEqual({ flow: '', since: '', until: '' })
  })
})

describe('periods', () => {
  const noon = new Date(2026, 10, 21, 12).getTime()

  test('today is one of the days', () => {
    expect((['today', 'yesterday', 'week', 'month'] as const).map((name) => Object.values(preset(name, noon)))).toEqual([
      ['2026-11-21', '2026-11-22'],
      ['2026-11-20', '2026-11-21'],
      ['2026-11-15', '2026-11-22'],
      ['2026-10-23', '2026-11-22'],
    ])
  })

  test('one that stands in the address is known again', () => {
    expect([presetOf(preset('week', noon), noon), presetOf({ since: '2026-11-01', until: '2026-11-02' }, noon)]).toEqual(['week', 'own'])
  })

  test('own days are both in it, whichever is named first', () => {
    const period = between('2026-11-04', '2026-11-02')
    expect([period, lastDay(period)]).toEqual([{ since: '2026-11-02', until: '2026-11-05' }, '2026-11-04'])
  })

  test('begin and end at midnight here', () => {
    expect(moments({ since: '2026-03-28', until: '2026-03-31' })).toEqual({
      since: new Date(2026, 2, 28).toISOString(),
      until: new Date(2026, 2, 31).toISOString(),
    })
  })
})

describe('figures', () => {
  const step: StepFigures = {
    step: 'pin', kind: 'authenticate', label: '', visits: 9, journeys: 8, left_by: {}, next: [{ to: 'a', count: 4 }, { to: 'b', count: 2 }],
    ended: { self_served: 0, to_agent: 0, abandoned: 2, failed: 1, after_hours: 0 }, mean_s: 4, median_s: 4, p90_s: null, failures: 5, dropout_rate: 0.25,
  }
  const row = (name: string, mean_s: number | null): Row => ({ ...rowOf(step), step: name, mean_s })

  test('went on is whoever another step followed; a step without a label has its name', () => {
    expect(rowOf(step)).toMatchObject({ label: 'pin', came: 9, wentOn: 6, abandoned: 2, failed: 1, askedAgain: 5 })
  })

  test('rows without a figure come last, up or down', () => {
    const rows = [row('a', null), row('b', 1), row('c', 3)]
    const names = (isUp: boolean) => sorted(rows, { by: 'mean_s', isUp }).map((one) => one.step)
    expect([names(false), names(true)]).toEqual([['c', 'b', 'a'], ['b', 'c', 'a']])
    expect(sorted(rows, null)).toEqual(rows)
  })

  test('a column is turned down, up, and back', () => {
    const down = turned(null, 'came')
    expect([down, turned(down, 'came'), turned(turned(down, 'came'), 'came'), turned(down, 'failed')]).toEqual([
      { by: 'came', isUp: false }, { by: 'came', isUp: true }, null, { by: 'failed', isUp: false },
    ])
  })

  test('nothing to count is no nought', () => {
    expect([share(null, 'en'), decimal(null, 'en'), signed(null, 'en')]).toEqual([null, null, null])
    expect([share(0, 'en'), share(0.1234, 'en'), decimal(4, 'en'), signed(32.3, 'en'), signed(0, 'en')]).toEqual(['0%', '12.3%', '4.0', '+32', '0'])
  })
})
