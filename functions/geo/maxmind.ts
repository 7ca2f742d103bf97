import { readFileSync } from 'node:fs'
import { type CityResponse, Reader } from 'maxmind'
import { ConfigError } from '../../shared/config.ts'
import { codeOf } from '../../shared/error.ts'
import type { GeoLookup } from '../../shared/geo/place.ts'

/**
 * Half the distance that counts as travel: two circles of this radius around places that far apart do not meet. Networks
 * of which only the country is known have a point in its middle and a larger radius.
 */
const ACCURACY_KM = 250

/**
 * Reads a database of places in MaxMind's format, once and whole: a lookup is a walk through memory. A database without
 * coordinates, as those of countries are, knows no place.
 * @param path of a `.mmdb` file such as GeoLite2-City
 * @throws ConfigError when it cannot be read
 */
export function openGeoDatabase(path: string): GeoLookup {
  const reader = read(path)
  return (ip) => {
    const { latitude, longitude, accuracy_radius = 0 } = reader.get(ip)?.location ?? {}
    if (latitude === undefined || longitude === undefined || accuracy_radius > ACCURACY_KM) return undefined
    return { latitude, longitude }
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
