import type { Risk } from '../../shared/event.ts'
import type { ThrottleRule } from '../../shared/stores/port.ts'
import { hour } from './schedule.ts'

/** Fixed windows, as in functions/stores/redis/throttle.ts. */
export class Throttle {
  private readonly windows = new Map<string, { count: number; until: number }>()
  private readonly clock: () => number

  constructor(clock: () => number) {
    this.clock = clock
  }

  /** @returns whether the attempt is let through */
  reserve(rules: readonly ThrottleRule[]): boolean {
    const now = this.clock()
    const windows = rules.map(({ key, limit, windowSeconds }) => {
      const open = this.windows.get(key)
      const window = open && open.until > now ? open : { count: 0, until: now + windowSeconds * 1000 }
      return { key, limit, window }
    })
    if (windows.some(({ limit, window }) => window.count >= limit)) return false
    for (const { key, window } of windows) {
      window.count++
      this.windows.set(key, window)
    }
    return true
  }

  release(rules: readonly ThrottleRule[]): void {
    for (const { key } of rules) {
      const window = this.windows.get(key)
      if (window && window.count > 0) window.count--
    }
  }

  clear(rules: readonly ThrottleRule[]): void {
    for (const { key } of rules) this.windows.delete(key)
  }
}

/** From how many logins on a password is sprayed, and from how many failures on a success is odd: functions/auth/verdicts.ts. */
const DECIDED_BY = { logins: 5, failures: 5, withinMs: hour } as const

/** What a failed attempt leaves behind for an hour, as in functions/stores/redis/attempts.ts. */
export class Attempts {
  private readonly logins = new Map<string, Map<string, number>>()
  private readonly failures = new Map<string, number[]>()
  private readonly clock: () => number

  constructor(clock: () => number) {
    this.clock = clock
  }

  judge(login: string, password: string, origins: readonly string[], outcome: 'failed' | 'refused' | 'right'): Risk[] {
    const failed = outcome === 'failed'
    const failures = Math.max(0, ...origins.map((origin) => this.failuresFrom(`${login} ${origin}`, failed)))
    const risks: Risk[] = outcome === 'right' && failures >= DECIDED_BY.failures ? ['after_failures'] : []
    return this.triedAt(password, login, failed) >= DECIDED_BY.logins ? [...risks, 'spray'] : risks
  }

  private failuresFrom(key: string, failed: boolean): number {
    const since = this.clock() - DECIDED_BY.withinMs
    const times = (this.failures.get(key) ?? []).filter((at) => at > since)
    if (failed) times.push(this.clock())
    if (times.length > 0) this.failures.set(key, times.slice(-DECIDED_BY.failures))
    else this.failures.delete(key)
    return times.length
  }

  private triedAt(password: string, login: string, failed: boolean): number {
    const since = this.clock() - DECIDED_BY.withinMs
    const tried = this.logins.get(password) ?? new Map<string, number>()
    for (const [each, at] of tried) if (at <= since) tried.delete(each)
    if (failed || tried.size > 0) tried.set(login, this.clock())
    if (tried.size > 0) this.logins.set(password, tried)
    else this.logins.delete(password)
    return tried.size
  }
}
