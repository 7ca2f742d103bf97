import { readFileSync } from 'node:fs'
import { type CityResponse, Reader } from 'maxmind'
import { ConfigError } from '../../shared/config.ts'
import { codeOf } from '../../shared/error.ts'
import type { CountryLookup, GeoLookup } from '../../shared/geo/place.ts'

/**
 * Half of the distance that counts as travel: two circles of this radius, that distance apart, do not overlap. A
 * network whose country alone is known has the middle of the country and a larger radius.
 */
const ACCURACY_KM = 250

export interface GeoDatabase {
  /** A database without coordinates, such as one of countries, gives no place. */
  locate: GeoLookup
  countryOf: CountryLookup
}

/**
 * Reads a database of places in the format of MaxMind into memory.
 * @param path of a `.mmdb` file such as GeoLite2-City
 * @throws ConfigError if it cannot be read
 */
export function openGeoDatabase(path: string): GeoDatabase {
  const reader = read(path)
  return {
    locate(ip) {
      const { latitude, longitude, accuracy_radius = 0 } = reader.get(ip)?.location ?? {}
      if (latitude === undefined || longitude === undefined || accuracy_radius > ACCURACY_KM) return undefined
      return { latitude, longitude }
    },
    countryOf: (ip) => reader.get(ip)?.country?.iso_code,
  }
}

function read(path: string): Reader<CityResponse> {
  try {
    return new Reader<CityResponse>(readFileSync(path))
  } catch (error) {
    const code = codeOf(error)
    const why = code === undefined ? 'is not a database in MaxMind’s format' : `cannot be read (${code})`
    throw new ConfigError(`Configuration is not usable:\n  GEO_DATABASE: ${why}`, { cause: error })
  }
}
