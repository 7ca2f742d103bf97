import type { Throttle } from '../port.ts'
import { createMemorySpace } from './space.ts'

/** Fixed windows, in this process only. Its clock begins and ends them. */
export function createMemoryThrottle(now: () => number, space = createMemorySpace()): Throttle {
  const windows = space.map<{ count: number; until: number }>()
  const find = (key: string) => {
    const window = windows.get(key)
    return window && now() < window.until ? window : undefined
  }
  const throttle: Throttle = {
    async exchange(released, rules) {
      await throttle.release(released)
      return throttle.reserve(rules)
    },
    async reserve(rules) {
      for (const { key, limit } of rules) {
        const window = find(key)
        if (window && window.count >= limit) return { retryAfterSeconds: Math.ceil((window.until - now()) / 1000) }
      }
      for (const { key, windowSeconds } of rules) {
        const { count, until } = find(key) ?? { count: 0, until: now() + windowSeconds * 1000 }
        windows.set(key, { count: count + 1, until })
      }
      return undefined
    },
    async release(keys) {
      for (const key of keys) {
        const window = find(key)
        if (window && window.count > 0) windows.set(key, { ...window, count: window.count - 1 })
      }
    },
    async clear(keys) {
      for (const key of keys) windows.delete(key)
    },
  }
  return throttle
}
