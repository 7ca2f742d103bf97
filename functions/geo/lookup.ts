import { inRanges } from '../../shared/client/address.ts'
import type { FunctionsConfig } from '../../shared/config.ts'
import { documentationCountry, documentationPlace } from './documentation.ts'
import { type GeoDatabase, openGeoDatabase } from './maxmind.ts'

const NOWHERE: GeoDatabase = { locate: () => undefined, countryOf: () => undefined }
const LAB: GeoDatabase = { locate: documentationPlace, countryOf: documentationCountry }

/**
 * The places that this deployment knows. Listed VPN ranges have no place: the exit of a VPN is where its provider has
 * a machine, not where a person is.
 * @throws ConfigError if the database cannot be read
 */
export function createGeoLookup(
  config: Pick<FunctionsConfig, 'ATO_LAB' | 'GEO_DATABASE' | 'TRAVEL_VPN_RANGES'>,
): GeoDatabase {
  const isVpn = inRanges(config.TRAVEL_VPN_RANGES)
  const lab = config.ATO_LAB ? LAB : NOWHERE
  const world = config.GEO_DATABASE === undefined ? NOWHERE : openGeoDatabase(config.GEO_DATABASE)
  return {
    locate: (ip) => (isVpn(ip) ? undefined : (lab.locate(ip) ?? world.locate(ip))),
    countryOf: (ip) => (isVpn(ip) ? undefined : (lab.countryOf(ip) ?? world.countryOf(ip))),
  }
}
