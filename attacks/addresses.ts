import { randomBytes, randomInt } from 'node:crypto'
import { networkOf } from '../shared/client/address.ts'
import { LAB_EGRESS_RANGE } from '../shared/lab.ts'

/**
 * Where simulated clients come from: the ranges that documents and tests may use, and nobody has. Those of one method are
 * where the lab's map has them (functions/geo/documentation.ts); all but `distant` and `vpn` are close together.
 */
export interface Addresses {
  /** In 203.0.113.0/24, unless all of it has been seen lately. */
  attacker(): Promise<string>
  /** In 198.51.100.0/24 or 192.0.2.0/24, likewise: somebody's home, office or café. */
  ordinary(): Promise<string>
  /** IPv6, as mobile networks hand out. */
  mobile(): Promise<string>
  /** On the other side of the world. */
  distant(): Promise<string>
  /** The exit of a VPN that the lab lists as one, no closer. */
  vpn(): Promise<string>
  /** One of the lab's own egress addresses: a block spares it. */
  own(): Promise<string>
}

/** The group of an alert about the network that an address is in. */
export const networkGroup = (address: string): { '@network': string } => ({ '@network': networkOf(address) })

/** Another address of the same subscriber: one /64 has 2⁶⁴ of them. @param address IPv6, as {@link Addresses} gives them */
export const inSubnetOf = (address: string): string =>
  [...address.split(':').slice(0, 4), groups(randomBytes(8).toString('hex'))].join(':')

/** The subnet of a neighbour, close by. @param address IPv6, as {@link Addresses} gives them */
export const besideSubnetOf = (address: string): string =>
  [...address.split(':').slice(0, 3), groups(randomBytes(10).toString('hex'))].join(':')

/** Hosts of one IPv4 network, first to last. */
type Span = readonly [prefix: string, first: number, last: number]

/**
 * Addresses that nothing has come from lately, whatever the seed: an address that an earlier run got blocked would make
 * the next one look contained before it began.
 * @param seen whether the logs know the address
 * @param taken what others have taken who act at the same time: theirs are not given again, and ours are added
 * @see RFC 5737, RFC 3849
 */
export function freshAddresses(seen: (address: string) => Promise<boolean>, taken: Set<string> = new Set()): Addresses {
  /** @param part of 2001:db8::/32 with what to do when all have been seen: the first bits of its third group */
  const take = async (spans: readonly Span[], part: number): Promise<string> => {
    for (const address of inAnyOrder(spans)) {
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

/** In the one spelling that logs use: no leading zeros, and no group of zeros that could be shortened. @see RFC 5952 */
const groups = (hex: string): string =>
  (hex.match(/.{4}/g) ?? []).map((group) => (Number.parseInt(group, 16) || 1).toString(16)).join(':')

function inAnyOrder(spans: readonly Span[]): string[] {
  const all = spans.flatMap(([prefix, first, last]) =>
    Array.from({ length: last - first + 1 }, (_, at) => `${prefix}.${first + at}`),
  )
  for (let last = all.length - 1; last > 0; last--) {
    const other = randomInt(last + 1)
    const held = all[last] as string
    all[last] = all[other] as string
    all[other] = held
  }
  return all
}
