// Periods of whole days by the calendar of this browser's time zone. Pure.

export interface Period {
  /** `2026-11-15`: the first day. */
  since: string
  /** The day after the last. */
  until: string
}

export type Preset = 'today' | 'yesterday' | 'week' | 'month'
export const PRESETS: readonly Preset[] = ['today', 'yesterday', 'week', 'month']

const REACH: Record<Preset, [back: number, until: number]> = { today: [0, 1], yesterday: [1, 0], week: [6, 1], month: [29, 1] }

/** Today counts as the last day of a week and a month: what happens now is what is asked about. */
export function preset(name: Preset, now: number): Period {
  const [back, until] = REACH[name]
  return { since: day(now, -back), until: day(now, until) }
}

export function presetOf(period: Period, now: number): Preset | 'own' {
  const same = (name: Preset) => preset(name, now).since === period.since && preset(name, now).until === period.until
  return PRESETS.find(same) ?? 'own'
}

/** From one day to another, both included, whichever was named first. */
export function between(one: string, other: string): Period {
  const [first, last] = one <= other ? [one, other] : [other, one]
  return { since: first, until: shifted(last, 1) }
}

export function lastDay(period: Period): string {
  return shifted(period.until, -1)
}

/** The moments the server goes by: midnight here. */
export function moments(period: Period): { since: string; until: string } {
  return { since: midnight(period.since).toISOString(), until: midnight(period.until).toISOString() }
}

export function spelt(period: Period, locale: string): string {
  const format = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', year: 'numeric' })
  return format.formatRange(midnight(period.since), midnight(lastDay(period)))
}

export function zone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone
}

function midnight(of: string): Date {
  const [year = 0, month = 1, date = 1] = of.split('-').map(Number)
  return new Date(year, month - 1, date)
}

function shifted(of: string, days: number): string {
  return day(midnight(of).getTime(), days)
}

/** The day of the calendar that is so many days from the one of `at`; never by counting hours, some days have 23. */
function day(at: number, days: number): string {
  const when = new Date(at)
  const then = new Date(when.getFullYear(), when.getMonth(), when.getDate() + days)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${then.getFullYear()}-${two(then.getMonth() + 1)}-${two(then.getDate())}`
}
