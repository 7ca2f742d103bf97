// Containment in both hosts: what they must agree on, which is policy, subjects and the form of the signed call.

import { isIPv4, isIPv6 } from 'node:net'
import { inRanges, networkOf, normalizeAddress } from '../client/address.ts'
import type { Containment } from '../stores/port.ts'
import type { Facet } from './subject.ts'

/** The action for an alert and its subject. It is compiled into functions: an alert cannot ask for anything else. */
export interface Policy {
  /** The `contain:` tag of the monitor. It must agree: an alert of a mislabelled monitor is refused. */
  contain: 'session' | 'user' | 'ip' | 'none'
  action: Containment['action']
  /**
   * The group-by of the monitor. The scope of the alert has exactly this key, or no key if the monitor has no groups.
   */
  groupBy: readonly [] | readonly [Facet]
}

const BLOCKS_NETWORK: Policy = { contain: 'ip', action: 'block_ip', groupBy: ['@network'] }
const REVOKES_SESSION: Policy = { contain: 'session', action: 'revoke', groupBy: ['@sid'] }
/** Writes a row and pages an operator; changes nothing else. */
const notifiesOf = (...groupBy: Policy['groupBy']): Policy => ({ contain: 'none', action: 'notify', groupBy })

const POLICIES: Readonly<Record<string, Policy>> = {
  'account-brute-force': notifiesOf('@login_hash'),
  'canary-account': BLOCKS_NETWORK,
  'containment-failed': notifiesOf('@detection'),
  'containment-tampering': notifiesOf('@network'),
  'credential-stuffing': BLOCKS_NETWORK,
  'distributed-stuffing': notifiesOf('@via'),
  'impossible-travel': REVOKES_SESSION,
  'mfa-guessing': notifiesOf('@usr.id'),
  'otp-replay': { contain: 'user', action: 'revoke_user', groupBy: ['@usr.id'] },
  'password-spraying': BLOCKS_NETWORK,
  'reauthentication-guessing': REVOKES_SESSION,
  'revoked-session-use': BLOCKS_NETWORK,
  'session-fork': REVOKES_SESSION,
  'session-reuse': REVOKES_SESSION,
  'takeover-actions': REVOKES_SESSION,
  'takeover-after-failures': REVOKES_SESSION,
  'telemetry-silence': notifiesOf(),
}

/** Every detection that functions contain or notify about. */
export const DETECTIONS: readonly string[] = Object.keys(POLICIES)

export const policyFor = (detection: string): Policy | undefined =>
  Object.hasOwn(POLICIES, detection) ? POLICIES[detection] : undefined

/** The detections that are rules of Cloud SIEM as well, by the name of the rule: nothing else in a signal says which it is. */
const RULES: Readonly<Record<string, string>> = {
  'Credential stuffing: many failed sign-ins from one network': 'credential-stuffing',
  'Session reuse: one session on two devices': 'session-reuse',
}

/** The detection of a rule, by the name of the rule. */
export const detectionOfRule = (name: string): string | undefined =>
  Object.hasOwn(RULES, name) ? RULES[name] : undefined

/** Whether signals of a rule are about the same subjects as the alerts of this detection's monitor. */
export const hasRule = (detection: string): boolean => Object.values(RULES).includes(detection)

/** Datadog advises short blocks, because addresses change hands. */
export const BLOCK_MS = 15 * 60_000
/** Window of the cap on distinct subjects of one detection. */
export const CAP_WINDOW_MS = 10 * 60_000
/** Accounts younger than this have their own cap. */
export const NEW_ACCOUNT_MS = 7 * 24 * 3_600_000
/** An alert older than this is recorded and paged, not acted on: it may be a replay. */
export const STALE_MS = 15 * 60_000
/** How long web has to accept a revoke before functions carries it out itself. */
export const WEB_TIMEOUT_MS = 3_000
/** How long only the claimant may begin the first attempt. */
export const ABANDONED_MS = 5_000

/** Addresses that no host on the public internet has. @see RFC 1918, 6598, 6890 */
const PRIVATE_IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  '224.0.0.0/3',
]

/**
 * IPv6 networks that no single subscriber has. Everything outside 2000::/3 is private or reserved. That includes the
 * IPv4-mapped and IPv4-compatible addresses of ::/96, and the NAT64 prefixes 64:ff9b::/96 and 64:ff9b:1::/48, where a
 * /64 is a whole gateway. A Teredo /64 is a server with all of its clients.
 * @see RFC 4291 2.4, RFC 6052, RFC 8215, RFC 4380 4
 */
const SHARED_IPV6 = ['::/3', '4000::/2', '8000::/1', '2001::/32']

/**
 * @param egress our own addresses, as CIDR blocks: blocking one of them, or the network around it, would block web
 * @returns whether an address in normal form, or the IPv6 /64 that would be blocked for it, may be blocked. The
 * documentation ranges may be blocked, because clients of the lab have them
 */
export function blockable(egress: readonly string[]): (network: string) => boolean {
  const spared = [...PRIVATE_IPV4, ...SHARED_IPV6, ...egress.map(asBlocked)]
  const isSpared = inRanges([...spared, ...spared.flatMap(in6to4)])
  return (network) => {
    const [address = ''] = network.split('/')
    return !isSpared(address)
  }
}

/** The 6to4 range of an IPv4 range: the owner of an IPv4 address has the whole 2002:…::/48. @see RFC 3056 2 */
function in6to4(range: string): string[] {
  const [address = '', bits] = range.split('/')
  if (!isIPv4(address)) return []
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
  return [`2002:${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}::/${16 + Number(bits)}`]
}

/** Widens a range that is smaller than one block to the network that a block covers. */
function asBlocked(range: string): string {
  const [address = '', bits] = range.split('/')
  const normal = normalizeAddress(address) ?? address
  return isIPv6(normal) && Number(bits) > 64 ? networkOf(normal) : range
}
