// The REST side: same origin, session cookie, problem+json.
import type { ContactView, HistoryItem, JourneyView, MeView } from './protocol'

export interface ResultChoice {
  code: string
  label: string
  /** Empty: for every queue. */
  queues: string[]
}

export interface Site {
  name: string
  /** Log-ins of the demo; empty everywhere else. */
  demo: { agent: string; password: string; name: string }[]
  ws_url: string
  results: ResultChoice[]
  country: string
  version: string
}

export interface Session {
  me: MeView
  site: Site
}

/** One of my finished calls, as the record has it. */
export interface Interaction {
  call: string
  direction: 'inbound' | 'outbound' | 'internal'
  ani: string
  ani_name: string
  dnis: string
  queue: string
  keys: Record<string, string>
  offered_at: string
  answered_at: string | null
  ended_at: string
  wait_s: number
  talk_s: number
  hold_s: number
  outcome: string
  contact: string
  contact_name: string
  note: string
  result: string
  result_label: string
  journey: JourneyView | null
}

export interface Customer {
  contact: ContactView
  history: HistoryItem[]
}

interface Problem {
  type?: string
  title?: string
  detail?: string
  code?: string
}

/** The server refused (`status` as in HTTP), or could not be reached at all (`status` 0). */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly retryAfter: number | null

  constructor(status: number, problem: Problem = {}, retryAfter: number | null = null) {
    super(problem.detail || problem.title || `HTTP ${status}`)
    this.status = status
    this.code = problem.code ?? ''
    this.retryAfter = retryAfter
  }
}

export const BASE = new URL('api/v1/', document.baseURI)
const PATIENCE_MS = 10_000

export async function ask<T>(method: string, path: string, body?: unknown, patience = PATIENCE_MS): Promise<T> {
  let response: Response
  try {
    response = await fetch(new URL(path, BASE), {
      method,
      credentials: 'same-origin',
      headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(patience),
    })
  } catch {
    throw new ApiError(0)
  }
  const text = await response.text().catch(() => '')
  let data: unknown = null
  try {
    data = text ? JSON.parse(text) : null
  } catch {
    // an answer of a proxy, not ours
  }
  if (!response.ok) throw new ApiError(response.status, (data ?? {}) as Problem, Number(response.headers.get('Retry-After')) || null)
  return data as T
}

const id = encodeURIComponent

export const api = {
  site: () => ask<Site>('GET', 'site'),
  session: () => ask<Session>('GET', 'session'),
  logIn: (agent: string, password: string) => ask<unknown>('POST', 'session', { agent, password }),
  logOut: () => ask<unknown>('DELETE', 'session'),
  ticket: async () => (await ask<{ ticket: string }>('POST', 'session/ticket')).ticket,

  dial: (to: string, command: string) => ask<unknown>('POST', 'calls', { to, id: command }),
  hangUp: (callId: string, command: string) => ask<unknown>('POST', `calls/${id(callId)}/hangup`, { id: command }),
  choose: (callId: string, contact: string) => ask<unknown>('POST', `calls/${id(callId)}/customer`, { contact }),
  ruleOut: (callId: string, contact: string) => ask<unknown>('POST', `calls/${id(callId)}/not-customer`, { contact }),

  mine: (since: string, cursor: string | null) =>
    ask<{ items: Interaction[]; cursor: string | null }>(
      'GET',
      `interactions?${new URLSearchParams({ agent: 'me', since, ...(cursor ? { cursor } : {}) })}`,
    ),
  draft: async (callId: string) => (await ask<{ text: string }>('GET', `interactions/${id(callId)}/draft`)).text,
  saveDraft: (callId: string, text: string) => ask<unknown>('PUT', `interactions/${id(callId)}/draft`, { text }),
  saveNote: (callId: string, text: string) => ask<unknown>('PUT', `interactions/${id(callId)}/note`, { text }),
  saveResult: (callId: string, code: string, note: string) => ask<unknown>('PUT', `interactions/${id(callId)}/result`, { code, note }),

  searchCustomers: async (text: string) =>
    (await ask<{ items: ContactView[] }>('GET', `customers?${new URLSearchParams({ q: text })}`)).items,
  customer: (contact: string) => ask<Customer>('GET', `customers/${id(contact)}`),

  /** Does the server answer at all? Any HTTP status will do. */
  alive: async (): Promise<boolean> => {
    try {
      await fetch(new URL('healthz', document.baseURI), { cache: 'no-store', signal: AbortSignal.timeout(5000) })
      return true
    } catch {
      return false
    }
  },
}
