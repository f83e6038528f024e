// The language in use. `t().key` is a message; a table without one of English's keys does not compile.
import { remember, remembered } from '../memory'
import { en, type Messages } from './en'
import { zhHans } from './zh-Hans'
import { zhHant } from './zh-Hant'

export const LANGUAGES = { en: 'English', 'zh-Hant': '繁體中文', 'zh-Hans': '简体中文' } as const
export type Language = keyof typeof LANGUAGES

export const TABLES: Record<Language, Messages> = { en, 'zh-Hant': zhHant, 'zh-Hans': zhHans }

/** The first of the wanted languages that we speak, by BCP 47: `zh-TW` is Traditional, `zh-CN` Simplified. */
export function bestLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    let locale: Intl.Locale
    try {
      locale = new Intl.Locale(tag).maximize()
    } catch {
      continue
    }
    if (locale.language === 'zh' || locale.language === 'yue') return locale.script === 'Hant' ? 'zh-Hant' : 'zh-Hans'
    if (locale.language === 'en') return 'en'
  }
  return 'en'
}

const chosen = remembered('language')
let current = $state<Language>(bestLanguage([...(chosen ? [chosen] : []), ...navigator.languages]))

export const language = (): Language => current
export const t = (): Messages => TABLES[current]

export function speak(next: Language): void {
  current = next
  remember('language', next)
}

/** The language of this agent's record, unless one was chosen in this browser. */
export function speakByDefault(tag: string): void {
  if (tag && !remembered('language')) current = bestLanguage([tag, ...navigator.languages])
}

/** A word from one of the message groups, by a key that came from the server; null when it is none of ours. */
export function word(group: Record<string, string>, key: string): string | null {
  return Object.hasOwn(group, key) ? (group[key] ?? null) : null
}
