// Whom a call can be handed to: what the service knows of colleagues, queues and a typed number, as rows to choose from. Pure.
import type { PresenceView } from './protocol'

export interface DirectoryAgent {
  id: string
  name: string
  extension: string
  state: PresenceView['state']
  since: string | null
  reason: string
  is_me: boolean
}

export interface DirectoryQueue {
  name: string
  label: string
  extension: string
  waiting: number
  ready: number
}

export interface DirectoryNumber {
  number: string
  shown: string
  allowed: boolean
  why_not: string
}

export interface Directory {
  agents: DirectoryAgent[]
  queues: DirectoryQueue[]
  /** What was typed, where it can be read as a number. */
  number: DirectoryNumber | null
}

export type Target = { key: string; name: string; to: string; whyNot: string } & (
  | { kind: 'agent'; agent: DirectoryAgent }
  | { kind: 'queue'; queue: DirectoryQueue }
  | { kind: 'number'; number: DirectoryNumber }
)

/** In the server's order, whatever states change meanwhile: no row moves under a hand that is about to click. */
export function targetsOf({ agents, queues, number }: Directory): Target[] {
  return [
    ...agents.filter((agent) => !agent.is_me).map((agent): Target => ({
      kind: 'agent', key: `agent ${agent.id}`, name: agent.name, to: agent.extension, whyNot: agent.extension ? '' : 'no_phone', agent,
    })),
    ...queues.map((queue): Target => ({
      kind: 'queue', key: `queue ${queue.name}`, name: queue.label || queue.name, to: queue.extension, whyNot: queue.extension ? '' : 'no_number', queue,
    })),
    ...(number ? [numberTarget(number)] : []),
  ]
}

function numberTarget(number: DirectoryNumber): Target {
  const whyNot = number.allowed ? '' : number.why_not || 'number_not_allowed'
  return { kind: 'number', key: 'number', name: number.shown || number.number, to: number.number, whyNot, number }
}

export type Tone = 'ready' | 'ringing' | 'talking' | 'wrap-up' | 'paused' | 'away'

export function toneOf(state: PresenceView['state']): Tone {
  switch (state) {
    case 'READY':
      return 'ready'
    case 'RESERVED':
    case 'RESERVED_OUTBOUND':
      return 'ringing'
    case 'TALKING':
    case 'HOLD':
      return 'talking'
    case 'WORK':
    case 'WORK_READY':
      return 'wrap-up'
    case 'NOT_READY':
      return 'paused'
    default:
      return 'away' // LOGOUT, and what a later server may know
  }
}

/** The row chosen next; with none chosen yet, the first or the last. */
export function moved(targets: readonly Target[], key: string | null, by: 1 | -1): string | null {
  if (targets.length === 0) return null
  const at = targets.findIndex((target) => target.key === key)
  if (at < 0) return (by > 0 ? targets[0] : targets.at(-1))?.key ?? null
  return targets[Math.min(targets.length - 1, Math.max(0, at + by))]?.key ?? null
}
