// What an agent sets for this browser: theme, ring tone, notifications.
import { remember, remembered } from './memory'
import { Ringer } from './ring'

export type Theme = 'system' | 'light' | 'dark'

export const ringer = new Ringer()

function number(key: string, otherwise: number): number {
  const value = Number(remembered(key) ?? Number.NaN)
  return Number.isFinite(value) ? Math.min(1, Math.max(0, value)) : otherwise
}

class Settings {
  theme = $state<Theme>((remembered('theme') as Theme | null) ?? 'system')
  ringOn = $state(remembered('ring') !== 'off')
  volume = $state(number('volume', 0.5))
  notices = $state(remembered('notices') === 'on' && 'Notification' in globalThis && Notification.permission === 'granted')
  noticesBlocked = $state(false)
  soundBlocked = $state(false)

  constructor() {
    ringer.blocked = (is) => (this.soundBlocked = is)
    this.#apply()
  }

  setTheme(theme: Theme): void {
    this.theme = theme
    remember('theme', theme)
    this.#apply()
  }

  setRing(on: boolean): void {
    this.ringOn = on
    remember('ring', on ? 'on' : 'off')
    this.#apply()
  }

  setVolume(volume: number): void {
    this.volume = volume
    remember('volume', String(volume))
    this.#apply()
  }

  async setNotices(on: boolean): Promise<void> {
    const granted = on && 'Notification' in globalThis && (await Notification.requestPermission()) === 'granted'
    this.noticesBlocked = on && !granted
    this.notices = granted
    remember('notices', granted ? 'on' : 'off')
  }

  #apply(): void {
    document.documentElement.dataset['theme'] = this.theme
    ringer.volume = this.ringOn ? this.volume : 0
    if (!this.ringOn) ringer.stopAll()
  }
}

export const settings = new Settings()
