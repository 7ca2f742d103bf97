import { deviceHash } from '../client/device.ts'
import type { Secret } from '../secret.ts'

/** What most people sign in with: user agent, platform hint, mobile hint. Families count, versions do not. */
export const COMMON_DEVICES = [
  ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/138.0.0.0 Safari/537.36', '"Windows"', '?0'],
  ['Mozilla/5.0 (Linux; Android 10; K) Chrome/138.0.0.0 Mobile Safari/537.36', '"Android"', '?1'],
  ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Version/18.5 Mobile/15E148 Safari/604.1'],
  ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0', '"Windows"', '?0'],
  ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Chrome/138.0.0.0 Safari/537.36', '"macOS"', '?0'],
  ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.5 Safari/605.1.15'],
  ['Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0'],
] as const satisfies readonly (readonly [userAgent: string, platform?: string, mobile?: string])[]

/**
 * Whether an account that does not exist passes for one that knows this device. A known device has attempts of its
 * own; if nobody knew any, the one guess that is answered when all others have to wait would say who is registered.
 * @param loginHash keyed, so that nobody can tell beforehand which device it is
 */
export function isDecoyDevice(loginHash: string, device: string, key: Secret): boolean {
  const [userAgent, platform, mobile] =
    COMMON_DEVICES[Number.parseInt(loginHash.slice(0, 8), 16) % COMMON_DEVICES.length] ?? COMMON_DEVICES[0]
  return device === deviceHash(userAgent, { platform, mobile }, key)
}
