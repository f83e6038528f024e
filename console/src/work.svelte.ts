// The work that belongs to a call: its note, its result, its wrap-up, and the list of today's calls.
import { ranOut, type Asked, type Reason } from './agent'
import { agent, commands, why } from './agent.svelte'
import { api, ApiError, type Interaction, type ResultChoice } from './api'
import { desk, reason } from './console.svelte'
import { Draft } from './drafts'
import { midnight } from './format'
import { t } from './i18n/index.svelte'
import { remember, remembered, rememberedKeys } from './memory'
import { notices } from './notices.svelte'
import type { CallView, ContactView, CustomerCard, PresenceView, WrapUpView } from './protocol'
import { filledIn, mistakes, type Mistake } from './results'
import { withContact } from './state'

export interface DraftView {
  text: string
  state: Draft['state']
}

export type Saved = 'saved' | 'result_wanted' | 'mistaken' | 'failed'

/** What follows a wrap-up: a state asked for, or with null whatever was pending. */
export type Next = { state: Asked; reason: Reason | null } | null

const LOOK_AGAIN_TIMES = 8

class Work {
  /** Today's, newest first, as the record has them. */
  record = $state.raw<Interaction[]>([])
  recordState = $state<'loading' | 'there' | 'failed'>('loading')
  cursor = $state<string | null>(null)
  drafts = $state<Record<string, DraftView>>({})
  picks = $state<Record<string, string>>({})
  /** What a result asks besides, by call and field, and what is wrong with it. */
  fields = $state<Record<string, Record<string, string>>>({})
  wrong = $state<Record<string, Record<string, Mistake>>>({})
  saving = $state<string | null>(null)
  /** Calls whose wrap-up ran out before they had the result they need. */
  late = $state.raw<ReadonlySet<string>>(new Set())
  /** Cards of finished calls, asked for when somebody looks at one. */
  pastCards = $state.raw<Record<string, CustomerCard>>({})

  #drafts = new Map<string, Draft>()
  #refresh: ReturnType<typeof setTimeout> | undefined
  #looked = 0
  /** Wrap-ups that the agent ended. */
  #ended = new Set<string>()

  constructor() {
    desk.whenPresence.push((before, after) => this.#follow(before, after))
    desk.whenLive.push(() => {
      for (const draft of this.#drafts.values()) draft.flush()
      for (const key of rememberedKeys(`draft.${desk.me?.agent}.`)) this.open(key.split('.').slice(2).join('.'))
      void this.load()
    })
    desk.whenEnded.push((call) => {
      remember(`wrapping.${desk.me?.agent}`, call.call)
      this.#loadSoon()
    })
    desk.mayReload = () =>
      desk.desk.finished.length === 0 && !desk.desk.presence?.wrap_up && [...this.#drafts.values()].every((draft) => draft.state !== 'dirty' && draft.state !== 'saving')
  }

  // ---- today's calls

  async load(more = false): Promise<void> {
    try {
      const page = await api.mine(midnight(desk.clock.now()), more ? this.cursor : null)
      this.record = more ? [...this.record, ...page.items] : page.items
      this.cursor = page.cursor ?? null
      this.recordState = 'there'
      if (!more) this.#takeUpAgain()
      this.#findWrapUp()
    } catch {
      if (this.recordState !== 'there') this.recordState = 'failed'
    }
  }

  #loadSoon(): void {
    clearTimeout(this.#refresh)
    this.#refresh = setTimeout(() => void this.load(), 1200) // the record is written in groups, just after the call
  }

  /** After a reload: the call that was being wrapped up is on the screen again. */
  #takeUpAgain(): void {
    const key = `wrapping.${desk.me?.agent}`
    const call = remembered(key)
    const past = this.record.find((one) => one.call === call)
    if (past?.result) remember(key, null)
    else if (past && desk.shown.kind === 'idle') this.look(past.call)
  }

  /** After a reload the server knows what is being wrapped up; the record may have that call a moment later. */
  #findWrapUp(): void {
    const id = desk.desk.presence?.wrap_up?.call
    if (id === undefined || desk.desk.calls[id] || desk.desk.finished.some((one) => one.call === id)) return
    const past = this.record.find((one) => one.call === id)
    if (past) void this.#loadCard(past)
    else if (this.#looked++ < LOOK_AGAIN_TIMES) this.#loadSoon()
  }

  /** Show a finished call, with its customer as the CRM has it now. */
  look(call: string): void {
    desk.show({ kind: 'call', call })
    const past = this.record.find((one) => one.call === call)
    if (past && !desk.card(call)) void this.#loadCard(past)
  }

  corrected(contact: ContactView, call?: string): void {
    const cards = Object.entries(this.pastCards).map(([id, card]) => [id, withContact(card, contact, id === call)])
    this.pastCards = Object.fromEntries(cards)
  }

  async #loadCard(past: Interaction): Promise<void> {
    if (past.call in this.pastCards) return
    const put = (card: Partial<CustomerCard>) => {
      this.pastCards = { ...this.pastCards, [past.call]: { ...emptyCard(past.call), ...card } }
    }
    if (!past.contact) return put({ state: numberOf(past) ? 'unknown' : 'withheld' })
    put({ state: 'asking' })
    try {
      const { contact, history } = await api.customer(past.contact)
      put({ state: 'found', contacts: [contact], chosen: contact.id, history: history.filter((one) => one.call !== past.call) })
    } catch (error) {
      put({ state: 'unavailable', reason: error instanceof ApiError ? error.message : '' })
    }
  }

  /** A call of mine by its id: live, just finished, or from the record. */
  call(id: string): CallView | undefined {
    const known = desk.desk.calls[id] ?? desk.desk.finished.find((one) => one.call === id)
    if (known) return known
    const past = this.record.find((one) => one.call === id)
    if (past) return asCall(past)
    const wrapUp = this.wrapUp(id)
    return wrapUp ? unknownYet(wrapUp) : undefined
  }

  /** Only its wrap-up is known so far, not who it was with. */
  isUnknownYet(id: string): boolean {
    return this.call(id)?.pbx === UNKNOWN_YET
  }

  card(id: string): CustomerCard | undefined {
    return desk.card(id) ?? this.pastCards[id]
  }

  // ---- notes

  /** The note of a call; opened once, then followed. */
  open(call: string): Draft {
    const known = this.#drafts.get(call)
    if (known) return known
    const draft = new Draft(desk.me?.agent ?? '', call, { load: api.draft, save: api.saveDraft }, (one) => {
      this.drafts[one.call] = { text: one.text, state: one.state }
    })
    this.#drafts.set(call, draft)
    this.drafts[call] = { text: draft.text, state: draft.state }
    void draft.load(this.record.find((one) => one.call === call)?.note)
    return draft
  }

  edit(call: string, text: string): void {
    desk.typed()
    this.open(call).edit(text)
  }

  // ---- results

  /** This queue's results, its own before the general ones. */
  choices(queue: string): ResultChoice[] {
    const all = desk.session?.site.results ?? []
    const own = all.filter((one) => one.queues.includes(queue))
    return [...own, ...all.filter((one) => one.queues.length === 0)]
  }

  picked(call: string): string {
    return this.picks[call] ?? remembered(this.#pickKey(call)) ?? this.record.find((one) => one.call === call)?.result ?? ''
  }

  pick(call: string, code: string): void {
    this.picks[call] = code
    remember(this.#pickKey(call), code)
  }

  values(call: string): Record<string, string> {
    return this.fields[call] ?? (JSON.parse(remembered(this.#fieldsKey(call)) ?? '{}') as Record<string, string>)
  }

  fill(call: string, field: string, value: string): void {
    desk.typed()
    this.fields[call] = { ...this.values(call), [field]: value }
    remember(this.#fieldsKey(call), JSON.stringify(this.fields[call]))
    delete this.wrong[call]?.[field]
  }

  #fieldsKey(call: string): string {
    return `fields.${desk.me?.agent}.${call}`
  }

  #pickKey(call: string): string {
    return `pick.${desk.me?.agent}.${call}`
  }

  /** Put note and result on record, and go on: a wrap-up ends with it, in the state asked for. */
  async save(call: CallView, next: Next = this.usualNext()): Promise<Saved> {
    const saved = await this.#put(call)
    if (saved !== 'saved' || call.state !== 'ended') return saved
    if (this.wrapUp(call.call) && !(await this.#goOn(call.call, next))) return 'failed'
    this.#done(call.call, this.picked(call.call), this.drafts[call.call]?.text ?? '')
    return 'saved'
  }

  async #put(call: CallView): Promise<Saved> {
    const code = this.picked(call.call)
    if (call.state === 'ended' && code === '' && this.needsResult(call)) return 'result_wanted'
    const { fields = [] } = this.choices(call.queue).find((one) => one.code === code) ?? {}
    const values = this.values(call.call)
    this.wrong[call.call] = mistakes(fields, values)
    if (Object.keys(this.wrong[call.call] ?? {}).length > 0) return 'mistaken'
    const draft = this.open(call.call)
    const text = draft.text
    if (code === '' && text === '' && this.wrapUp(call.call)) return 'saved' // nothing is to be kept
    this.saving = call.call
    try {
      if (code) await api.saveResult(call.call, code, text, filledIn(fields, values))
      else await api.saveNote(call.call, text)
    } catch (error) {
      notices.show('bad', t().saveFailed(reason(error)))
      return 'failed'
    } finally {
      this.saving = null
    }
    if (draft.text === text) {
      draft.settle()
      void api.saveDraft(call.call, '').catch(() => {}) // or an older draft would come up in place of the note
    }
    notices.show('good', t().saved)
    notices.polite = t().saved
    return 'saved'
  }

  // ---- wrap-up

  /** The wrap-up of this call, while it lasts. */
  wrapUp(call: string): WrapUpView | null {
    const open = desk.desk.presence?.wrap_up
    return open?.call === call ? open : null
  }

  /** May this call be left only with a result? Where the server says nothing of it, wherever there are results. */
  needsResult(call: CallView): boolean {
    const wrapUp = this.wrapUp(call.call)
    return wrapUp ? wrapUp.kind === 'required' && !wrapUp.has_result : this.choices(call.queue).length > 0
  }

  /** What was chosen to follow; else ready, unless a supervisor has the last word: then only the wrap-up ends. */
  usualNext(): Next {
    if (agent.presence?.pending) return null
    const { allowed, code } = agent.offer('READY')
    return allowed || code === 'result_wanted' ? { state: 'READY', reason: null } : null
  }

  /** Did its wrap-up run out before it had the result it needs? */
  isLate(call: string): boolean {
    return this.late.has(call) || this.record.some((one) => one.call === call && one.result === '' && one.is_not_classified === true)
  }

  async extend(): Promise<void> {
    await commands.give(api.extendWrapUp).catch((error) => notices.show('bad', t().wrapUp.failed(why(error))))
  }

  async #goOn(call: string, next: Next): Promise<boolean> {
    this.#ended.add(call)
    if (next && !(await agent.ask(next.state, next.reason))) return false
    if (next?.state === 'READY' || !this.wrapUp(call)) return true // being ready ends it
    try {
      await commands.give(api.endWrapUp)
      return true
    } catch (error) {
      this.#ended.delete(call)
      notices.show('bad', t().wrapUp.failed(why(error)))
      return false
    }
  }

  #follow(before: PresenceView | null, after: PresenceView | null): void {
    const wrapUp = after?.wrap_up
    if (wrapUp && wrapUp.call !== before?.wrap_up?.call) {
      this.#looked = 0
      if (this.recordState === 'there') this.#findWrapUp()
    }
    const call = ranOut(before, after, this.#ended)
    if (call !== null) this.#ranOut(call, before?.wrap_up?.kind === 'required')
  }

  /** What was written stays in view until it is saved or the next call comes. */
  #ranOut(call: string, wasRequired: boolean): void {
    if (!wasRequired && !this.drafts[call]?.text && this.picked(call) === '') return desk.settled(call)
    if (desk.shown.kind !== 'call' && desk.live.length === 0) desk.picked = { kind: 'call', call }
    if (!wasRequired) return
    this.late = new Set([...this.late, call])
    notices.polite = `${t().wrapUp.notClassified}. ${t().wrapUp.notClassifiedText}`
  }

  #done(call: string, code: string, note: string): void {
    const label = this.choices('').concat(desk.session?.site.results ?? []).find((one) => one.code === code)?.label ?? code
    this.record = this.record.map((one) => (one.call === call ? { ...one, result: code, result_label: label, note } : one))
    this.#drafts.get(call)?.close()
    this.#drafts.delete(call)
    delete this.drafts[call]
    delete this.picks[call]
    delete this.fields[call]
    delete this.wrong[call]
    this.late = new Set([...this.late].filter((one) => one !== call))
    remember(this.#pickKey(call), null)
    remember(this.#fieldsKey(call), null)
    remember(`wrapping.${desk.me?.agent}`, null)
    desk.settled(call)
    this.#loadSoon()
  }
}

function emptyCard(call: string): CustomerCard {
  return { call, state: 'asking', contacts: [], chosen: null, number_says: [], reason: '', source: '', as_of: null, history: [], calls_24h: 0 }
}

export function numberOf(past: Interaction): string {
  return past.direction === 'outbound' ? past.dnis : past.ani
}

const NO_CALL: CallView = {
  call: '', pbx: '', direction: 'inbound', state: 'ended', since: '', offered_at: '', answered_at: null, ended_at: null, number: '',
  number_shown: '', region: '', name: '', dnis: '', dnis_label: '', queue: '', waited_s: null, keys: {}, journey: null, parties: [],
  actions: [], outcome: null, talk_s: 0, hold_s: 0, has_spoken: true, recording: 'off', recording_resumes_at: null, parked_in: '',
}

function asCall(past: Interaction): CallView {
  const number = numberOf(past)
  return {
    ...NO_CALL,
    call: past.call,
    direction: past.direction,
    since: past.ended_at,
    offered_at: past.offered_at,
    answered_at: past.answered_at,
    ended_at: past.ended_at,
    number,
    number_shown: number,
    name: past.ani_name,
    dnis: past.dnis,
    queue: past.queue,
    waited_s: past.wait_s,
    keys: past.keys,
    journey: past.journey ?? null,
    outcome: past.outcome,
    talk_s: past.talk_s,
    hold_s: past.hold_s,
    has_spoken: past.answered_at !== null,
  }
}

const UNKNOWN_YET = '?'

function unknownYet({ call, queue, began_at }: WrapUpView): CallView {
  return { ...NO_CALL, call, queue, pbx: UNKNOWN_YET, since: began_at, offered_at: began_at }
}

export const work = new Work()
