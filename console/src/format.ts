// Dates, ages and names of regions, as the chosen language writes them.
import type { HistoryItem } from './protocol'

const DAY_MS = 86_400_000

/** What the agent's own clock calls midnight: "today" begins there on every page. */
export function midnight(now: number): string {
  return new Date(startOfDay(now)).toISOString()
}

function startOfDay(at: number): number {
  const day = new Date(at)
  day.setHours(0, 0, 0, 0)
  return day.getTime()
}

/** Whole days between two moments by the calendar: yesterday evening is 1 day ago, whatever the hours. */
export function daysAgo(at: number, now: number): number {
  return Math.round((startOfDay(now) - startOfDay(at)) / DAY_MS)
}

export function timeOfDay(at: string | number, locale: string): string {
  return new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(new Date(at))
}

export function date(at: string | number, locale: string, now: number): string {
  const when = new Date(at)
  const sameYear = when.getFullYear() === new Date(now).getFullYear()
  return new Intl.DateTimeFormat(locale, {
    day: 'numeric',
    month: 'short',
    ...(sameYear ? { weekday: 'short' } : { year: 'numeric' }),
  }).format(when)
}

export function moment(at: string | number, locale: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'medium' }).format(new Date(at))
}

/** "now", "3 min. ago", "2 days ago": nothing that ticks in the corner of an eye. */
export function age(at: string, now: number, locale: string): string {
  const seconds = Math.max(0, (now - Date.parse(at)) / 1000)
  const format = new Intl.RelativeTimeFormat(locale, { numeric: 'always', style: 'short' })
  if (seconds < 60) return new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(0, 'second')
  if (seconds < 3600) return format.format(-Math.floor(seconds / 60), 'minute')
  if (seconds < 86_400) return format.format(-Math.floor(seconds / 3600), 'hour')
  return format.format(-Math.floor(seconds / 86_400), 'day')
}

/** Seconds as people say them: "4 min", "1 h 20 min". */
export function spell(seconds: number, locale: string): string {
  const unit = (value: number, unit: string) =>
    new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'short' }).format(value)
  if (seconds < 60) return unit(Math.round(seconds), 'second')
  const minutes = Math.round(seconds / 60)
  return minutes < 60 ? unit(minutes, 'minute') : `${unit(Math.floor(minutes / 60), 'hour')} ${unit(minutes % 60, 'minute')}`
}

function display(type: 'region' | 'language', code: string, locale: string): string {
  try {
    return new Intl.DisplayNames(locale, { type }).of(code) ?? code
  } catch {
    return code // not a code at all; somebody typed it
  }
}

export const region = (code: string, locale: string) => display('region', code, locale)
export const languageName = (code: string, locale: string) => display('language', code, locale)

/** `preferred_contact` from a mapping file reads as "Preferred contact". */
export function humanise(key: string): string {
  const words = key.replaceAll(/[_-]+/g, ' ').trim()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

export function isMissed(item: Pick<HistoryItem, 'direction' | 'outcome'> & { ivr?: string }): boolean {
  return item.direction === 'inbound' && item.ivr !== 'self_served' && !['answered', 'merged', 'unattended'].includes(item.outcome)
}

export type HistoryFilter = 'inbound' | 'outbound' | 'missed' | 'notes'

/** Chips add up: two on show what either lets through; none on shows all. */
export function filterHistory(items: readonly HistoryItem[], on: ReadonlySet<HistoryFilter>): HistoryItem[] {
  if (on.size === 0) return [...items]
  return items.filter(
    (item) =>
      (on.has('inbound') && item.direction === 'inbound') ||
      (on.has('outbound') && item.direction === 'outbound') ||
      (on.has('missed') && isMissed(item)) ||
      (on.has('notes') && item.note !== ''),
  )
}

/** Runs of the same calendar day, in the order given. */
export function byDay<T extends { at: string }>(items: readonly T[]): { day: number; items: T[] }[] {
  const groups: { day: number; items: T[] }[] = []
  for (const item of items) {
    const day = startOfDay(Date.parse(item.at))
    const last = groups.at(-1)
    if (last?.day === day) last.items.push(item)
    else groups.push({ day, items: [item] })
  }
  return groups
}

/** Text from outside for the middle of a sentence: whatever it overrides, the words around it keep their order. */
export function isolated(text: string): string {
  return `\u2068${text.replaceAll(/[\u2066-\u2069]/g, '')}\u2069`
}

/** Could these characters be a number somebody wants to call? */
export function looksLikeNumber(text: string): boolean {
  return /^\+?[\d\s().\-/]{2,}$/.test(text.trim()) && text.replaceAll(/\D/g, '').length >= 2
}
