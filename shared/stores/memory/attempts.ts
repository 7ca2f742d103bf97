import type { Attempts } from '../port.ts'
import { createMemorySpace } from './space.ts'

/** Sliding windows of attempts, in this process only. Each keeps no more entries than the largest count asked for. */
export function createMemoryAttempts(space = createMemorySpace()): Attempts {
  /** By password: when it was last tried at each login, oldest first. */
  const passwords = space.map<readonly (readonly [login: string, at: number])[]>()
  /** By login and origin: times of failures, newest first. */
  const failures = space.map<readonly number[]>()

  return {
    async note({ password, login, origins, outcome }, within, most, now) {
      const failed = outcome === 'failed'
      let logins = (passwords.get(password) ?? []).filter(([, at]) => at > now - within)
      if (failed || logins.length > 0) {
        const before = logins.find(([name]) => name === login)?.[1] ?? now
        const others = logins.filter(([name]) => name !== login)
        logins = [...others, [login, Math.max(before, now)] as const].sort((a, b) => a[1] - b[1]).slice(-most)
      }
      passwords.set(password, logins)

      let worst = 0
      for (const origin of origins) {
        const key = `${login} ${origin}`
        if (failed) failures.set(key, [now, ...(failures.get(key) ?? [])].slice(0, most))
        const recent = (failures.get(key) ?? []).filter((at) => at > now - within)
        worst = Math.max(worst, recent.length)
      }
      return { logins: logins.length, failures: worst }
    },
  }
}
