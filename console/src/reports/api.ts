// The reports' side of REST.
import { ApiError, ask, BASE } from '../api'
import type { FlowReport, Totals } from './figures'
import { moments, type Period } from './period'

const PATIENCE_MS = 30_000 // a month of calls is a lot to count
const id = encodeURIComponent

function query(period: Period, more: Record<string, string> = {}): string {
  return String(new URLSearchParams({ ...moments(period), ...more }))
}

export const reports = {
  flows: async (period: Period) =>
    (await ask<{ items: Totals[] }>('GET', `reports/ivr?${query(period)}`, undefined, PATIENCE_MS)).items,
  flow: (flow: string, period: Period) => ask<FlowReport>('GET', `reports/ivr/${id(flow)}?${query(period)}`, undefined, PATIENCE_MS),
  file: (flow: string, period: Period, format: 'csv' | 'xlsx') => new URL(`reports/ivr/${id(flow)}?${query(period, { format })}`, BASE).href,
  picture,
}

/** As text. A redirect, or anything but SVG from our own server, is no picture. */
async function picture(flow: string, period: Period, lang: string): Promise<string> {
  const url = new URL(`ivr/flows/${id(flow)}/picture?${query(period, { lang })}`, BASE)
  const response = await fetch(url, { credentials: 'same-origin', redirect: 'error', signal: AbortSignal.timeout(PATIENCE_MS) })
  if (!response.ok) throw new ApiError(response.status)
  if (!response.headers.get('Content-Type')?.startsWith('image/svg+xml')) throw new ApiError(response.status, { code: 'no_picture' })
  return response.text()
}
