// What the address says is to be shown: nothing for the desk, `#reports/ivr/bank?since=2026-11-15&until=2026-11-22` for a report.

export interface ReportRoute {
  /** Empty: whichever has most to tell. */
  flow: string
  /** Days of the calendar here, `2026-11-15`: the first, and the one after the last. Empty: as if not said. */
  since: string
  until: string
}

const DAY = /^\d{4}-\d{2}-\d{2}$/

export function parseRoute(hash: string): ReportRoute | null {
  const [path = '', query = ''] = hash.replace(/^#/, '').split('?', 2)
  const [page, kind = 'ivr', flow = '', ...rest] = path.split('/')
  if (page !== 'reports' || kind !== 'ivr' || rest.length > 0) return null
  const said = new URLSearchParams(query)
  const day = (name: string) => (DAY.test(said.get(name) ?? '') && !Number.isNaN(Date.parse(said.get(name) ?? '')) ? (said.get(name) ?? '') : '')
  return { flow: decoded(flow), since: day('since'), until: day('until') }
}

export function formatRoute(route: ReportRoute): string {
  const query = new URLSearchParams()
  if (route.since) query.set('since', route.since)
  if (route.until) query.set('until', route.until)
  return `#reports/ivr${route.flow && `/${encodeURIComponent(route.flow)}`}${query.size > 0 ? `?${query}` : ''}`
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return '' // somebody's typing
  }
}
