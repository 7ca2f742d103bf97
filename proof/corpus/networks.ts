import type { Place } from '../../shared/geo/place.ts'
import type { Chance } from './chance.ts'

/**
 * Where people are online. Addresses are of ranges that belong to nobody: documentation (RFC 5737, 3849), benchmarking (2544,
 * here: homes) and what carriers share among their subscribers (6598, here: phones).
 */
export interface Network {
  /** The address of a request: some have more than one. */
  address(chance: Chance): string
  /** Where a map of addresses puts it; undefined where it is listed as a VPN. */
  readonly place: Place | undefined
}

/** Cities of one country, less than 500 km apart, as in the lab's map. */
export const cities: readonly Place[] = [
  { latitude: 38.7, longitude: -9.1 },
  { latitude: 41.2, longitude: -8.6 },
  { latitude: 40.2, longitude: -8.4 },
  { latitude: 37.0, longitude: -7.9 },
]

/** Where people fly to, and where from the capital it takes how many hours, door to door. */
export const abroad: readonly (readonly [place: Place, hours: number])[] = [
  [{ latitude: 40.4, longitude: -3.7 }, 4],
  [{ latitude: 48.9, longitude: 2.4 }, 6],
  [{ latitude: 52.5, longitude: 13.4 }, 7],
  [{ latitude: 40.7, longitude: -74.0 }, 12],
  [{ latitude: -23.5, longitude: -46.6 }, 14],
]

/** One address for everybody behind it. */
export const fixed = (address: string, place: Place | undefined): Network => ({ address: () => address, place })

/** A home: an IPv4 address of its own, and half of them an IPv6 network, of which browsers use whichever answers first. */
export function home(n: number, place: Place, chance: Chance): Network {
  const v4 = `198.${18 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`
  if (chance.of(0.5)) return fixed(v4, place)
  const prefix = `2001:db8:${(0x1000 + (n >> 16)).toString(16)}:${(n & 0xffff).toString(16)}`
  const [first, second] = [`${prefix}:1:2:3:${chance.hex(3)}1`, `${prefix}:1:2:3:${chance.hex(3)}2`].map(unpadded) as [
    string,
    string,
  ]
  return { address: (each) => (each.of(0.3) ? v4 : each.of(0.9) ? first : second), place }
}

/**
 * A phone's carrier: an address shared with hundreds, or an IPv6 network of its own, that changes as one moves. To a map of
 * addresses all of them are in the capital.
 */
export function carrier(n: number): Network {
  return {
    address: (chance) =>
      chance.of(0.5)
        ? `100.64.${chance.between(0, 7)}.${chance.between(1, 250)}`
        : unpadded(`2001:db8:2${(n & 0xfff).toString(16).padStart(3, '0')}:${chance.hex(3)}1:1:2:3:${chance.hex(3)}1`),
    place: cities[0],
  }
}

/** As logs spell it: no leading zeros. @see RFC 5952 4.1 */
const unpadded = (address: string): string => address.replace(/(?<=:)0+(?=[0-9a-f])/g, '')
