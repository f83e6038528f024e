// Forms that somebody is filling in, by what they are about: a call that comes between takes nothing of what was typed.
import { api, ApiError } from './api'
import { desk, reason } from './console.svelte'
import { bodyOf, changesOf, wrongWith, type Filled } from './contactform'
import { t, word } from './i18n/index.svelte'
import { notices } from './notices.svelte'
import type { ContactView } from './protocol'
import { work } from './work.svelte'

export interface Form {
  filled: Filled
  /** Mistakes are shown once somebody tried to save. */
  isTried: boolean
  isSaving: boolean
  problem: string
}

class ContactForms {
  #open = $state<Record<string, Form>>({})

  constructor() {
    desk.reloadWaits.push(() => Object.keys(this.#open).length > 0)
  }

  of(key: string): Form | undefined {
    return this.#open[key]
  }

  open(key: string, filled: Filled): void {
    this.#open[key] ??= { filled, isTried: false, isSaving: false, problem: '' }
  }

  close(key: string): void {
    delete this.#open[key]
  }

  /** `contact`: whom it corrects; none: it makes a new one. True once it is saved. */
  async save(key: string, contact: ContactView | undefined, call: string | undefined): Promise<boolean> {
    const form = this.#open[key]
    if (!form || form.isSaving) return false
    form.isTried = true
    if (Object.keys(wrongWith(form.filled)).length > 0) return false
    form.isSaving = true
    form.problem = ''
    try {
      // Of a call long ago the service knows no card any more: the customer is saved all the same.
      const about = call && (call in desk.desk.calls || desk.desk.finished.some((one) => one.call === call)) ? { call } : {}
      const saved = contact
        ? await api.correctCustomer(contact.id, { ...changesOf(form.filled, contact), ...about })
        : await api.createCustomer({ ...bodyOf(form.filled), ...about })
      desk.corrected(saved, call)
      work.corrected(saved, call)
      this.close(key)
      notices.show('good', t().contactForm.saved)
      return true
    } catch (error) {
      form.problem = t().contactForm.failed(words(error))
      form.isSaving = false
      return false
    }
  }
}

function words(error: unknown): string {
  return (error instanceof ApiError ? word(t().contactForm.reasons, error.code) : null) ?? reason(error)
}

/** Whether the customer system takes changes from here. */
export function mayWrite(): boolean {
  return desk.session?.site.crm_writes === true
}

export const contactForms = new ContactForms()
