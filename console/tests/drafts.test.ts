import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Draft } from '../src/drafts'

const kept = new Map<string, string>()

beforeEach(() => {
  vi.useFakeTimers()
  kept.clear()
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  })
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

function draft(save: (call: string, text: string) => Promise<unknown> = async () => {}, load = async () => '') {
  const saved = vi.fn(save)
  return { saved, draft: new Draft('mara', 'call-1', { load, save: saved }, () => {}) }
}

describe('a draft', () => {
  test('is sent once a second, not with each letter', async () => {
    const { draft: note, saved } = draft()
    for (const text of ['a', 'ab', 'abc']) note.edit(text)
    expect(kept.get('cti.draft.mara.call-1')).toBe('abc')
    await vi.advanceTimersByTimeAsync(1000)
    expect(saved.mock.calls).toEqual([['call-1', 'abc']])
    expect(note.state).toBe('saved')
    expect(kept.size).toBe(0) // the server has it
  })

  test('stays in the browser until the server has it', async () => {
    let down = true
    const { draft: note, saved } = draft(async () => {
      if (down) throw new Error('down')
    })
    note.edit('important')
    await vi.advanceTimersByTimeAsync(1000)
    expect(note.state).toBe('local')
    expect(kept.get('cti.draft.mara.call-1')).toBe('important')
    down = false
    await vi.advanceTimersByTimeAsync(5000)
    expect(saved).toHaveBeenCalledTimes(2)
    expect([note.state, kept.size]).toEqual(['saved', 0])
  })

  test('that a reload left here is newer than the server’s', async () => {
    kept.set('cti.draft.mara.call-1', 'newer')
    const { draft: note, saved } = draft(undefined, async () => 'older')
    await note.load()
    expect(note.text).toBe('newer')
    await vi.advanceTimersByTimeAsync(0)
    expect(saved.mock.calls).toEqual([['call-1', 'newer']])
  })

  test('comes from the server where nothing newer stands here', async () => {
    const { draft: note } = draft(undefined, async () => 'from the server')
    await note.load('the note on record')
    expect(note.text).toBe('from the server')
  })

  test('typed on while it is saved is saved again', async () => {
    const { draft: note, saved } = draft(() => new Promise((resolve) => setTimeout(resolve, 300)))
    note.edit('one')
    await vi.advanceTimersByTimeAsync(1100)
    note.edit('one two')
    await vi.advanceTimersByTimeAsync(2000)
    expect(saved.mock.calls.at(-1)).toEqual(['call-1', 'one two'])
    expect([note.state, kept.size]).toEqual(['saved', 0])
  })

  test('is nothing to keep once the note is on record', async () => {
    const { draft: note, saved } = draft()
    note.edit('done')
    note.settle()
    await vi.advanceTimersByTimeAsync(5000)
    expect(saved).not.toHaveBeenCalled()
    expect(kept.size).toBe(0)
  })
})
