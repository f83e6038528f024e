// The address as state; going somewhere is a step in the browser's history.
import { formatRoute, parseRoute, type ReportRoute } from './route'

class Route {
  #hash = $state(location.hash)
  report = $derived(parseRoute(this.#hash))

  constructor() {
    addEventListener('hashchange', () => (this.#hash = location.hash))
  }

  toReport(route: ReportRoute): void {
    location.hash = formatRoute(route)
  }

  /** The same page with what it goes by filled in: no step of its own. */
  correct(route: ReportRoute): void {
    history.replaceState(null, '', formatRoute(route))
    this.#hash = location.hash
  }

  toDesk(): void {
    if (this.report === null) return
    history.pushState(null, '', location.pathname + location.search)
    this.#hash = ''
  }
}

export const route = new Route()
