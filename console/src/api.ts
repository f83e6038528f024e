// The REST side: same origin, session cookie, problem+json.
import type { ActionName } from './control'
import type { Directory } from './directory'
import type { Asked, Reason } from './agent'
import type { ContactView, HistoryItem, JourneyView, MeView } from './protocol'
import type { ResultField } from './results'

export interface ResultChoice {
  code: string
  label: string
  /** Empty: for every queue. */
  queues: string[]
  /** Asked for when this result is picked. */
  fields?: ResultField[]
}

/** Somebody wants to be called back. */
export interface Callback {
  id: string
  call: string
  number: string
  queue: string
  /** What they wanted, as far as the menu knows. */
  reason: string
  entered_at: string
  requested_at: string
  contact: string
  contact_name: string
  state: CallbackState
  /** How often they were not reached. */
  tries: number
  /** The latest. */
  note: string
}

export type CallbackState = 'open' | 'claimed' | 'done' | 'failed' | 'cancelled'
/** What came of it; after `failed` anybody may try again. */
export type CallbackEnd = 'done' | 'failed' | 'cancelled'

/** My figures since midnight. */
export interface Day {
  handled: number
  talk_s: number
  wrap_up_s: number
  /** By state. */
  seconds: Record<string, number>
}

export interface Site {
  name: string
  /** Log-ins of the demo; empty everywhere else. */
  demo: { agent: string; password: string; name: string }[]
  ws_url: string
  results: ResultChoice[]
  /** Why an agent may be not ready. */
  reasons?: Reason[]
  /** How much longer a wrap-up takes when more time is asked for. */
  wrap_up_extend_s?: number
  country: string
  /** Customers may be created and corrected from here. */
  crm_writes?: boolean
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
  /** The wrap-up ran out, and nobody has given a result since. */
  is_not_classified?: boolean
  journey: JourneyView | null
}

/** What an agent may create or correct. */
export interface ContactBody {
  name?: string
  company?: string
  language?: string
  /** Whole, as the flags are. */
  numbers?: { typed: string; label: string }[]
  flags?: string[]
  /** The call it is about: its card follows. */
  call?: string
}

/** What somebody here made of a customer. */
export interface Change {
  at: string
  by: string
  fields: string[]
  is_new: boolean
}

export interface Customer {
  contact: ContactView
  history: HistoryItem[]
  /** The last ones made here, newest first. */
  changes?: Change[]
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

  dial: (to: string, command: string, contact?: string) => ask<unknown>('POST', 'calls', { to, id: command, ...(contact ? { contact } : {}) }),
  act: (callId: string, action: ActionName, more: { id: string; to?: string; keys?: string }) =>
    ask<unknown>('POST', `calls/${id(callId)}/actions/${action}`, more),
  directory: (text: string) => ask<Directory>('GET', `directory?${new URLSearchParams({ q: text })}`),
  fetchParked: (space: string, command: string) => ask<unknown>('POST', `parked/${id(space)}/fetch`, { id: command }),
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
  saveResult: (callId: string, code: string, note: string, fields: Record<string, string>) =>
    ask<unknown>('PUT', `interactions/${id(callId)}/result`, { code, note, ...(Object.keys(fields).length > 0 ? { fields } : {}) }),

  setState: (state: Asked, reasonCode: number | undefined, command: string) =>
    ask<unknown>('POST', 'agents/me/state', { id: command, state, ...(reasonCode === undefined ? {} : { reason_code: reasonCode }) }),
  extendWrapUp: (command: string) => ask<unknown>('POST', 'agents/me/wrap-up/extend', { id: command }),
  endWrapUp: (command: string) => ask<unknown>('POST', 'agents/me/wrap-up/end', { id: command }),
  day: (since: string) => ask<Day>('GET', `agents/me/day?${new URLSearchParams({ since })}`),

  callbacks: async (of: { state: CallbackState; mine?: boolean }) =>
    (await ask<{ items: Callback[] }>('GET', `callbacks?${new URLSearchParams({ state: of.state, ...(of.mine ? { mine: 'true' } : {}) })}`)).items,
  claimCallback: (callback: string) => ask<unknown>('POST', `callbacks/${id(callback)}/claim`),
  releaseCallback: (callback: string) => ask<unknown>('POST', `callbacks/${id(callback)}/release`),
  closeCallback: (callback: string, state: CallbackEnd) => ask<unknown>('POST', `callbacks/${id(callback)}/close`, { state }),
  dialCallback: (callback: string, command: string) => ask<unknown>('POST', `callbacks/${id(callback)}/dial`, { id: command }),

  searchCustomers: async (text: string) =>
    (await ask<{ items: ContactView[] }>('GET', `customers?${new URLSearchParams({ q: text })}`)).items,
  createCustomer: (contact: ContactBody) => ask<ContactView>('POST', 'customers', contact),
  correctCustomer: (contactId: string, contact: ContactBody) => ask<ContactView>('PATCH', `customers/${id(contactId)}`, contact),
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
