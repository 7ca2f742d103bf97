/** A point on Earth, in degrees: north and east are positive. */
export interface Place {
  readonly latitude: number
  readonly longitude: number
}

/** Locates the network of an address. @returns undefined if the place is unknown, or is not the place of the person */
export type GeoLookup = (ip: string) => Place | undefined

/** The country of an address as ISO 3166-1 alpha-2. @returns undefined if it is unknown, or is not that of the person */
export type CountryLookup = (ip: string) => string | undefined

/** Mean radius. @see IUGG, R₁ */
const EARTH_KM = 6371.0088

/** The distance over a sphere, within 0.5 % of the distance over the ellipsoid. @see haversine formula */
export function distanceKm(from: Place, to: Place): number {
  const [latitude, other] = [radians(from.latitude), radians(to.latitude)]
  const north = Math.sin((other - latitude) / 2) ** 2
  const east = Math.sin(radians(to.longitude - from.longitude) / 2) ** 2
  const h = north + Math.cos(latitude) * Math.cos(other) * east
  // Between antipodes rounding can take h past 1.
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(h)))
}

const radians = (degrees: number): number => (degrees * Math.PI) / 180
