import { inRanges } from '../../shared/client/address.ts'
import type { CountryLookup, GeoLookup } from '../../shared/geo/place.ts'
import { LAB_VPN_RANGES } from '../../shared/lab.ts'

/**
 * The map of the lab: places for the addresses of documents and tests, which nobody owns. Everyday networks are less
 * than 500 km apart, so roaming between them is not travel. A place that is named as distant is across the world.
 * @see RFC 5737, RFC 3849
 */
const NETWORKS = [
  { city: 'Singapore', country: 'SG', latitude: 1.35, longitude: 103.82, ranges: LAB_VPN_RANGES },
  {
    city: 'Sydney',
    country: 'AU',
    latitude: -33.87,
    longitude: 151.21,
    ranges: ['203.0.113.192/27', '2001:db8:8000::/34'],
  },
  { city: 'Lisbon', country: 'PT', latitude: 38.72, longitude: -9.14, ranges: ['192.0.2.0/24', '2001:db8::/33'] },
  { city: 'Porto', country: 'PT', latitude: 41.15, longitude: -8.61, ranges: ['198.51.100.0/24'] },
  { city: 'Faro', country: 'PT', latitude: 37.02, longitude: -7.93, ranges: ['203.0.113.0/24'] },
] as const

const MAP = NETWORKS.map(({ ranges, ...network }) => ({ ...network, includes: inRanges(ranges) }))

/** Finds the first range with the address; parts of a range come before the whole. */
const networkOf = (ip: string) => MAP.find(({ includes }) => includes(ip))

export const documentationPlace: GeoLookup = (ip) => {
  const network = networkOf(ip)
  return network && { latitude: network.latitude, longitude: network.longitude }
}
export const documentationCountry: CountryLookup = (ip) => networkOf(ip)?.country
