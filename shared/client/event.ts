import type { Risk } from '../event.ts'
import { networkOf } from './address.ts'
import type { Actor, Client } from './client.ts'

/** The part of an event that says who talked to us. */
export interface RequestFields {
  ip: string
  /** The IPv4 address itself, an IPv6 address by its /64: what one subscriber holds. */
  network: string
  user_agent: string
  device_hash: string
  via: 'web' | 'api'
  request_id: string
  run_id?: string
}

export function requestFields(client: Client, deviceHash: string): RequestFields {
  const { ip, userAgent, via, requestId, runId } = client
  const fields: RequestFields = {
    ip,
    network: networkOf(ip),
    user_agent: userAgent,
    device_hash: deviceHash,
    via,
    request_id: requestId,
  }
  if (runId !== undefined) fields.run_id = runId
  return fields
}

export const actorFields = ({ client, deviceHash }: Actor): RequestFields => requestFields(client, deviceHash)

/** Leaves the field out when there is no risk. */
export const riskField = (risk: readonly Risk[]): { risk?: Risk[] } => (risk.length > 0 ? { risk: [...risk] } : {})
