import { randomBytes, randomInt } from 'node:crypto'
import { networkOf } from '../../shared/client/address.ts'
import { LAB_EGRESS_RANGE } from '../../shared/lab.ts'
import { shuffled } from './random.ts'

/**
 * Addresses of simulated clients, from the ranges reserved for documentation. The lab's map (functions/geo/documentation.ts)
 * places the addresses of one method together; all but `distant` and `vpn` are close to each other.
 */
export interface Addresses {
  /** In 203.0.113.0/24, or IPv6 once all of it has been used recently. */
  attacker(): Promise<string>
  /** In 198.51.100.0/24 or 192.0.2.0/24, likewise: a home, an office or a café. */
  ordinary(): Promise<string>
  /** IPv6, as in mobile networks. */
  mobile(): Promise<string>
  /** On the other side of the world. */
  distant(): Promise<string>
  /** The exit of a VPN in the lab's list, as far away. */
  vpn(): Promise<string>
  /** One of the lab's own egress addresses, which a block spares. */
  own(): Promise<string>
}

/** The group of an alert about the network of an address. */
export const networkGroup = (address: string): { '@network': string } => ({ '@network': networkOf(address) })

/** Another address in the same subscriber's /64. @param address IPv6, from {@link Addresses} */
export const inSubnetOf = (address: string): string =>
  [...address.split(':').slice(0, 4), groups(randomBytes(8).toString('hex'))].join(':')

/** An address in a neighbouring subnet. @param address IPv6, from {@link Addresses} */
export const besideSubnetOf = (address: string): string =>
  [...address.split(':').slice(0, 3), groups(randomBytes(10).toString('hex'))].join(':')

/** Hosts of one IPv4 network, first to last. */
type Span = readonly [prefix: string, first: number, last: number]

/**
 * Addresses without recent requests, independent of the seed: an address that an earlier run got blocked would make the
 * next run look contained from the beginning.
 * @param seen whether the logs know the address
 * @param taken addresses in use by concurrent runs: they are skipped, and new ones are added
 * @see RFC 5737, RFC 3849
 */
export function freshAddresses(seen: (address: string) => Promise<boolean>, taken: Set<string> = new Set()): Addresses {
  /** @param part the first bits of the third group of 2001:db8::/32, used once all addresses of `spans` are taken */
  const take = async (spans: readonly Span[], part: number): Promise<string> => {
    for (const address of inRandomOrder(spans)) {
      if (taken.has(address)) continue
      taken.add(address)
      if (!(await seen(address))) return address
    }
    return inIpv6(part)
  }
  return {
    attacker: () => take([['203.0.113', 1, 191]], NEAR),
    ordinary: () => take(ORDINARY, NEAR),
    mobile: async () => inIpv6(NEAR),
    distant: () => take([['203.0.113', 193, 222]], DISTANT),
    vpn: () => take([['203.0.113', 225, 254]], VPN),
    own: async () => `${EGRESS_SITE}:${groups(randomBytes(10).toString('hex'))}`,
  }
}

const ORDINARY: readonly Span[] = [
  ['198.51.100', 1, 254],
  ['192.0.2', 1, 254],
]
/** 2001:db8::/34, 2001:db8:8000::/34 and 2001:db8:c000::/34 */
const [NEAR, DISTANT, VPN] = [0x0000, 0x8000, 0xc000]

const EGRESS_SITE = LAB_EGRESS_RANGE.replace('::/48', '')

function inIpv6(part: number): string {
  const third = part | (randomBytes(2).readUInt16BE() & 0x3fff) | 1
  return `2001:db8:${third.toString(16)}:${groups(randomBytes(10).toString('hex'))}`
}

/** The spelling of the logs: no leading zeros, and no group of zeros that would be shortened. @see RFC 5952 */
const groups = (hex: string): string =>
  (hex.match(/.{4}/g) ?? []).map((group) => (Number.parseInt(group, 16) || 1).toString(16)).join(':')

function inRandomOrder(spans: readonly Span[]): string[] {
  const all = spans.flatMap(([prefix, first, last]) =>
    Array.from({ length: last - first + 1 }, (_, at) => `${prefix}.${first + at}`),
  )
  return shuffled(all, randomInt)
}
