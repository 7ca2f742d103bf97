import { inRanges } from '../../shared/client/address.ts'
import type { FunctionsConfig } from '../../shared/config.ts'
import type { GeoLookup } from '../../shared/geo/place.ts'
import { documentationPlace } from './documentation.ts'
import { openGeoDatabase } from './maxmind.ts'

const nowhere: GeoLookup = () => undefined

/**
 * The places that this deployment knows. Listed VPN ranges have no place: the exit of a VPN is where its provider has
 * a machine, not where a person is.
 * @throws ConfigError if the database cannot be read
 */
export function createGeoLookup(
  config: Pick<FunctionsConfig, 'ATO_LAB' | 'GEO_DATABASE' | 'TRAVEL_VPN_RANGES'>,
): GeoLookup {
  const isVpn = inRanges(config.TRAVEL_VPN_RANGES)
  const lab = config.ATO_LAB ? documentationPlace : nowhere
  const world = config.GEO_DATABASE === undefined ? nowhere : openGeoDatabase(config.GEO_DATABASE)
  return (ip) => (isVpn(ip) ? undefined : (lab(ip) ?? world(ip)))
}
