// A report as REST gives it (cti/reports/ivr_flow.py), and what the page makes of it. Pure.

export interface Outcomes {
  self_served: number
  to_agent: number
  abandoned: number
  failed: number
  after_hours: number
}

export interface Totals {
  flow: string
  label: string
  entered: number
  in_progress: number
  outcomes: Outcomes
  containment: number | null
  to_agent_share: number | null
  abandoned_share: number | null
  failed_share: number | null
  after_hours_share: number | null
  mean_s: number | null
  median_s: number | null
}

export interface StepFigures {
  step: string
  kind: string
  label: string
  visits: number
  journeys: number
  left_by: Record<string, number>
  next: { to: string; count: number }[]
  ended: Outcomes
  mean_s: number | null
  median_s: number | null
  p90_s: number | null
  failures: number
  dropout_rate: number | null
}

export interface Worst {
  step: string
  label: string
  message: 'ivr_worst_abandoned' | 'ivr_worst_failed'
  values: {
    abandoned: number
    failed: number
    journeys: number
    dropout_rate: number | null
    failures: number
    gave_up_after_s: number | null
    reason: string
  }
}

export interface Survey {
  satisfaction_n: number
  satisfaction_mean: number | null
  nps_n: number
  promoters: number
  detractors: number
  nps: number | null
}

export interface FlowReport {
  since: string
  until: string
  totals: Totals
  steps: StepFigures[]
  worst: Worst | null
  survey: Survey
}

export interface Row {
  step: string
  kind: string
  label: string
  came: number
  wentOn: number
  abandoned: number
  failed: number
  askedAgain: number
  mean_s: number | null
  p90_s: number | null
}

export function rowOf(step: StepFigures): Row {
  return {
    step: step.step,
    kind: step.kind,
    label: step.label || step.step,
    came: step.visits,
    wentOn: step.next.reduce((sum, next) => sum + next.count, 0),
    abandoned: step.ended.abandoned,
    failed: step.ended.failed,
    askedAgain: step.failures,
    mean_s: step.mean_s,
    p90_s: step.p90_s,
  }
}

export const COLUMNS = ['came', 'wentOn', 'abandoned', 'failed', 'askedAgain', 'mean_s', 'p90_s'] as const
export type Column = (typeof COLUMNS)[number]
export interface Order {
  by: Column
  isUp: boolean
}

/** The largest first unless turned round; what has no figure comes last either way, and equals stay as they were. */
export function sorted(rows: readonly Row[], order: Order | null): Row[] {
  if (order === null) return [...rows]
  const sign = order.isUp ? 1 : -1
  return [...rows].sort((a, b) => {
    const [one, other] = [a[order.by], b[order.by]]
    if (one === null || other === null) return Number(one === null) - Number(other === null)
    return sign * (one - other)
  })
}

/** A click on a column's head: largest first, then smallest first, then as the callers come to the steps. */
export function turned(order: Order | null, by: Column): Order | null {
  if (order?.by !== by) return { by, isUp: false }
  return order.isUp ? null : { by, isUp: true }
}

export function count(value: number, locale: string): string {
  return new Intl.NumberFormat(locale).format(value)
}

export function share(value: number | null, locale: string): string | null {
  return value === null ? null : new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 }).format(value)
}

export function decimal(value: number | null, locale: string): string | null {
  return value === null ? null : new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(value)
}

export function signed(value: number | null, locale: string): string | null {
  return value === null ? null : new Intl.NumberFormat(locale, { maximumFractionDigits: 0, signDisplay: 'exceptZero' }).format(value)
}
