import { createHmac } from 'node:crypto'
import type { Secret } from '../secret.ts'

/** The client hints that every request of a browser carries without being asked. */
export interface ClientHints {
  platform?: string | undefined
  mobile?: string | undefined
}

/** Order matters: Edge and Opera name Chrome, Chrome names Safari. Versions are left out on purpose. */
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/\bEdg(?:e|A|iOS)?\//, 'edge'],
  [/\bOPR\/|\bOpera\b/, 'opera'],
  [/\bSamsungBrowser\//, 'samsung'],
  [/\bFirefox\/|\bFxiOS\//, 'firefox'],
  [/\b(?:Headless)?Chrome\/|\bChromium\/|\bCriOS\//, 'chrome'],
  [/\bVersion\/[\d.]+ .*\bSafari\//, 'safari'],
  [/^curl\//, 'curl'],
  [/^(?:node|undici)\b/, 'node'],
  [/^python-|\baiohttp\//i, 'python'],
]

const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\bWindows\b/, 'windows'],
  [/\b(?:iPhone|iPad|iPod)\b/, 'ios'],
  [/\bAndroid\b/, 'android'],
  [/\bCrOS\b/, 'chromeos'],
  [/\bMac OS X\b|\bMacintosh\b/, 'macos'],
  [/\bLinux\b|\bX11\b/, 'linux'],
]

const familyOf = (text: string, table: readonly (readonly [RegExp, string])[]): string =>
  table.find(([pattern]) => pattern.test(text))?.[1] ?? 'other'

/** Names for people. The family names themselves are part of every device hash and never change. */
const NAMES: Readonly<Record<string, string>> = {
  edge: 'Edge',
  opera: 'Opera',
  samsung: 'Samsung Internet',
  firefox: 'Firefox',
  chrome: 'Chrome',
  safari: 'Safari',
  curl: 'curl',
  node: 'Node.js',
  python: 'Python',
  windows: 'Windows',
  ios: 'iOS',
  android: 'Android',
  chromeos: 'ChromeOS',
  macos: 'macOS',
  linux: 'Linux',
}

/** A name for this device, such as "Chrome on Windows". For pages only, never for a decision. */
export function describeDevice(userAgent: string): string {
  const browser = NAMES[familyOf(withoutRunId(userAgent), BROWSERS)]
  const system = NAMES[familyOf(userAgent, SYSTEMS)]
  if (system === undefined) return browser ?? 'an unknown device'
  return `${browser ?? 'another browser'} on ${system}`
}

/**
 * One keyed hash per kind of device: browser family, system family and the two client hints that every request
 * carries. No version (updates would look like theft), no address (people roam), no run id.
 * @returns 32 hex digits
 */
export function deviceHash(userAgent: string, hints: ClientHints, key: Secret): string {
  const { platform = '', mobile = '' } = hints
  // With the lengths no two descriptions are the same text.
  const described = `${userAgent.length} ${platform.length} ${userAgent}${platform}${mobile}`
  const known = hashesBy.get(key) ?? new Map<string, string>()
  hashesBy.set(key, known)
  const before = known.get(described)
  if (before !== undefined) return before
  if (known.size >= MOST_KNOWN) known.clear()
  const hash = hashOf(userAgent, hints, key)
  known.set(described, hash)
  return hash
}

/** The hashes of recent devices: a browser describes itself alike in each request. */
const hashesBy = new WeakMap<Secret, Map<string, string>>()
const MOST_KNOWN = 1_000

function hashOf(userAgent: string, hints: ClientHints, key: Secret): string {
  const agent = withoutRunId(userAgent)
  const vector = [familyOf(agent, BROWSERS), familyOf(agent, SYSTEMS), hints.platform ?? '', hints.mobile ?? '']
  return keyed('device v1', JSON.stringify(vector), key)
}

/**
 * The hash of the device of this request, under the key that bound the session: rotating `DEVICE_HASH_KEY` must not
 * make every live session look stolen.
 * @param keys newest first
 * @param bound the hash that the session holds, if there is one
 */
export function deviceHashFor(
  userAgent: string,
  hints: ClientHints,
  keys: readonly [Secret, ...Secret[]],
  bound?: string,
): string {
  const [newest, ...older] = keys
  const current = deviceHash(userAgent, hints, newest)
  if (bound === undefined || bound === current) return current
  return older.map((key) => deviceHash(userAgent, hints, key)).find((hash) => hash === bound) ?? current
}

/** The screen, time zone and languages of the sign-in form, apart from the device. @returns 32 hex digits */
export const hintsHash = (hints: string, key: Secret): string => keyed('hints v1', hints.slice(0, 1024), key)

/** A submitted login, keyed: joins attempts on one account without logging what was typed. @returns 32 hex digits */
export const loginHash = (login: string, key: Secret): string => keyed('login v1', login.trim().toLowerCase(), key)

const keyed = (label: string, text: string, key: Secret): string =>
  createHmac('sha256', key.reveal()).update(`${label}\0`).update(text).digest('hex').slice(0, 32)

/** The lab marks its simulated browsers with ` ato-lab/<run id>` at the end. */
const RUN_ID = / ato-lab\/([a-z0-9-]{1,36})$/
const withoutRunId = (userAgent: string): string => userAgent.replace(RUN_ID, '')
export const runIdOf = (userAgent: string): string | undefined => RUN_ID.exec(userAgent)?.[1]
