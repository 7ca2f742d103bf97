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
 * Says whether somebody who has just proved the password can have come from where that was done last, and learns the
 * place. An unknown place is neither judged nor learnt. Never throws: nobody is kept out because a map is missing.
 * @returns what goes into the event's `risk`; undefined for an unknown place: no store was asked
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
