import { type RecentSignIn, type RecentSignIns, SIGN_IN_WINDOW_MS as WINDOW_MS } from '../port.ts'
import { suspectsAmong } from '../suspects.ts'
import { createMemorySpace } from './space.ts'

/** Failures are kept per minute, because only the first one matters. */
const MINUTE_MS = 60_000

/** The networks from which sessions were opened recently, in this process only. */
export function createMemoryRecentSignIns(space = createMemorySpace()): RecentSignIns {
  const opened = space.map<readonly { signIn: RecentSignIn; at: number }[]>()
  const failed = space.map<readonly number[]>()
  return {
    async failed(network, now) {
      const recent = (failed.get(network) ?? []).filter((at) => at >= now - WINDOW_MS)
      const isNoted = recent.some((at) => Math.floor(at / MINUTE_MS) === Math.floor(now / MINUTE_MS))
      failed.set(network, isNoted ? recent : [...recent, now])
    },
    async opened(network, signIn, now) {
      const recent = (opened.get(network) ?? []).filter(({ at }) => at >= now - WINDOW_MS)
      opened.set(
        network,
        [...recent, { signIn, at: now }].sort((a, b) => a.at - b.at),
      )
    },
    async suspects(network, now) {
      const since = now - WINDOW_MS
      const failures = (failed.get(network) ?? []).filter((at) => at >= since && at <= now)
      const recent = (opened.get(network) ?? []).filter(({ at }) => at >= since)
      return suspectsAmong(recent, Math.min(...failures, Number.POSITIVE_INFINITY))
    },
  }
}
