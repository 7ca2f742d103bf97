import { randomBytes, randomInt } from 'node:crypto'

/** Where simulated clients come from: the ranges that documents and tests may use, and nobody has. */
export interface Addresses {
  /** In 203.0.113.0/24, unless all of it has been seen lately. */
  attacker(): Promise<string>
  /** In 198.51.100.0/24 or 192.0.2.0/24, likewise: somebody's home, office or café. */
  ordinary(): Promise<string>
  /** IPv6, as mobile networks hand out. */
  mobile(): Promise<string>
}

/**
 * Addresses that nothing has come from lately, whatever the seed: an address that an earlier run got blocked would make
 * the next one look contained before it began.
 * @param seen whether the logs know the address
 * @see RFC 5737, RFC 3849
 */
export function freshAddresses(seen: (address: string) => Promise<boolean>): Addresses {
  const taken = new Set<string>()
  const take = async (prefixes: readonly string[]): Promise<string> => {
    for (const address of inAnyOrder(prefixes)) {
      if (taken.has(address)) continue
      taken.add(address)
      if (!(await seen(address))) return address
    }
    return mobile()
  }
  const mobile = async () => `2001:db8:${groups(randomBytes(12).toString('hex'))}`
  return {
    attacker: () => take(['203.0.113']),
    ordinary: () => take(['198.51.100', '192.0.2']),
    mobile,
  }
}

/** In the one spelling that logs use: no leading zeros, and no group of zeros that could be shortened. @see RFC 5952 */
const groups = (hex: string): string =>
  (hex.match(/.{4}/g) ?? []).map((group) => (Number.parseInt(group, 16) || 1).toString(16)).join(':')

function inAnyOrder(prefixes: readonly string[]): string[] {
  const all = prefixes.flatMap((prefix) => Array.from({ length: 254 }, (_, last) => `${prefix}.${last + 1}`))
  for (let last = all.length - 1; last > 0; last--) {
    const other = randomInt(last + 1)
    const held = all[last] as string
    all[last] = all[other] as string
    all[other] = held
  }
  return all
}
