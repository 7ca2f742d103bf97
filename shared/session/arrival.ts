import type { Client } from '../client/client.ts'
import { codeOf, nameOf } from '../error.ts'
import type { GeoLookup } from '../geo/place.ts'
import { judgeArrival } from '../geo/travel.ts'
import type { ServiceLog } from '../log.ts'
import type { LastPlaces } from '../stores/port.ts'

export interface ArrivalDeps {
  locate: GeoLookup
  places: LastPlaces
  warn: ServiceLog['warn']
  now: () => number
}

/**
 * Judges whether a person who has just proved the password can have travelled from the place of the last proof, and
 * learns the new place. An unknown place is neither judged nor learnt. Never throws: a missing map must not keep
 * anybody out.
 * @returns the `risk` of the event; undefined for an unknown place, for which no store was asked
 */
export async function risksOfArrival(
  userId: string,
  client: Client,
  deps: ArrivalDeps,
): Promise<'travel'[] | undefined> {
  try {
    const here = deps.locate(client.ip)
    if (!here) return undefined
    const now = new Date(deps.now())
    let travel = false
    await deps.places.revise(userId, (before) => {
      const arrival = judgeArrival(before, here, now)
      travel = arrival.travel
      return arrival.learnt
    })
    return travel ? ['travel'] : []
  } catch (error) {
    deps.warn('travel was not judged', { request_id: client.requestId, error: codeOf(error) ?? nameOf(error) })
    return []
  }
}
