import { createGeoLookup } from '../../functions/geo/lookup.ts'
import type { GeoLookup, Place } from '../../shared/geo/place.ts'
import { LAB_VPN_RANGES } from '../../shared/lab.ts'
import type { Chance } from './chance.ts'

/**
 * Networks of people. Addresses are of ranges that belong to nobody: documentation (RFC 5737, 3849), benchmarking (2544,
 * here: homes) and what carriers share among their subscribers (6598, here: phones).
 */
export interface Network {
  /** The address of one request: some networks have more than one. */
  address(chance: Chance): string
}

/** Cities of one country, less than 500 km apart, as in the lab's map. The first is the capital. */
const CITIES: readonly [Place, ...Place[]] = [
  { latitude: 38.7, longitude: -9.1 },
  { latitude: 41.2, longitude: -8.6 },
  { latitude: 40.2, longitude: -8.4 },
  { latitude: 37.0, longitude: -7.9 },
]

/** Where people fly to, and how many hours it takes from the capital, door to door. */
const ABROAD: readonly (readonly [place: Place, hours: number])[] = [
  [{ latitude: 40.4, longitude: -3.7 }, 4],
  [{ latitude: 48.9, longitude: 2.4 }, 6],
  [{ latitude: 52.5, longitude: 13.4 }, 7],
  [{ latitude: 40.7, longitude: -74.0 }, 12],
  [{ latitude: -23.5, longitude: -46.6 }, 14],
]

const HOTELS_FROM = 251

/** The lab's map of the documentation ranges, in which the exits of its VPN have no place. */
const { locate: documented } = createGeoLookup({
  ATO_LAB: true,
  GEO_DATABASE: undefined,
  TRAVEL_VPN_RANGES: [...LAB_VPN_RANGES],
})

/** The lab's map, and for the ranges that it does not have: homes, hotels, and phones, which are all located in the capital. */
export const locate: GeoLookup = (ip) => {
  // One search of the ranges takes longer than the rest of a sign-in, so its result is kept for each address.
  if (!places.has(ip)) places.set(ip, documented(ip) ?? placeInTown(ip))
  return places.get(ip)
}
const places = new Map<string, Place | undefined>()

function placeInTown(ip: string): Place | undefined {
  const [a = 0, b = 0, c = 0, d = 0] = ip.split('.').map(Number)
  if (a === 100) return CITIES[0]
  if (a !== 198 || b < 18 || b > 19) return undefined
  return b === 19 && c >= HOTELS_FROM ? ABROAD[c - HOTELS_FROM]?.[0] : CITIES[d % CITIES.length]
}

/** One address for all people behind it. */
export const fixed = (address: string): Network => ({ address: () => address })

/** A home: an IPv4 address of its own, and for half of them an IPv6 network too. Browsers use whichever answers first. */
export function home(n: number, chance: Chance): Network {
  const v4 = `198.${18 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`
  if (chance.of(0.5)) return fixed(v4)
  const prefix = `2001:db8:${(0x1000 + (n >> 16)).toString(16)}:${(n & 0xffff).toString(16)}`
  const address = (last: number) => unpadded(`${prefix}:1:2:3:${chance.hex(3)}${last}`)
  const [first, second] = [address(1), address(2)]
  return { address: (each) => (each.of(0.3) ? v4 : each.of(0.9) ? first : second) }
}

/** A hotel abroad, and how many hours it takes to get there. */
export function hotel(chance: Chance): { network: Network; hours: number } {
  const n = chance.between(0, ABROAD.length - 1)
  const network = fixed(`198.19.${HOTELS_FROM + n}.${chance.between(1, 254)}`)
  return { network, hours: ABROAD[n]?.[1] ?? 0 }
}

/** The carrier of a phone: an address shared with hundreds of people, or an IPv6 network that changes on the way. */
export function carrier(n: number): Network {
  return {
    address: (chance) =>
      chance.of(0.5)
        ? `100.64.${chance.between(0, 7)}.${chance.between(1, 250)}`
        : unpadded(`2001:db8:2${(n & 0xfff).toString(16).padStart(3, '0')}:${chance.hex(3)}1:1:2:3:${chance.hex(3)}1`),
  }
}

/** A group as logs write it: without leading zeros. @see RFC 5952 4.1 */
const unpadded = (address: string): string => address.replace(/(?<=:)0+(?=[0-9a-f])/g, '')
