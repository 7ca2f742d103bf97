import { randomUUID } from 'node:crypto'
import * as z from 'zod'
import { RumSessionId } from '../event.ts'
import type { Secret } from '../secret.ts'
import { normalizeAddress } from './address.ts'
import { type ClientHints, describeDevice, deviceHashFor, hintsHash, runIdOf } from './device.ts'

/** Who talks to us, as far as our own platform vouches for it. Built once per request. */
export interface Client {
  ip: string
  userAgent: string
  hints: ClientHints
  /** Screen, time zone and languages from the sign-in form, hashed. */
  hintsHash?: string | undefined
  /** Sent by the browser script at sign-in. An untrusted hint, used in the log only. */
  rumSessionId?: string | undefined
  via: 'web' | 'api'
  requestId: string
  runId?: string | undefined
}

export interface ClientDeps {
  deviceKeys: readonly [Secret, ...Secret[]]
  /** The run id is read from the user agent in the lab only. */
  lab: boolean
}

/** What web passes on about its browser, inside a signed body. */
export const ForwardedClient = z.strictObject({
  ip: z.string().refine((text) => normalizeAddress(text) === text, 'not an address in normal form'),
  user_agent: z.string().max(1024),
  ch: z.strictObject({ platform: z.string().max(64).optional(), mobile: z.string().max(8).optional() }),
  hints: z.string().max(1024).optional(),
  rum_session_id: RumSessionId.optional(),
})
export type ForwardedClient = z.infer<typeof ForwardedClient>

/** Reads the headers that describe a device. Anything longer than a browser sends is cut. */
export function describeHeaders(header: (name: string) => string | null | undefined): {
  userAgent: string
  hints: ClientHints
} {
  const cut = (name: string, length: number) => header(name)?.slice(0, length) || undefined
  return {
    userAgent: cut('user-agent', 1024) ?? '',
    hints: { platform: cut('sec-ch-ua-platform', 64), mobile: cut('sec-ch-ua-mobile', 8) },
  }
}

/** Builds a client from observations: ours (`via` is the observing host), or those that web signed. */
export function observeClient(
  seen: Pick<Client, 'ip' | 'userAgent' | 'hints' | 'rumSessionId' | 'via'> & { formHints?: string | undefined },
  deps: ClientDeps,
): Client {
  const { formHints, ...rest } = seen
  const client: Client = { ...rest, requestId: randomUUID() }
  if (formHints) client.hintsHash = hintsHash(formHints, deps.deviceKeys[0])
  if (deps.lab) client.runId = runIdOf(seen.userAgent)
  return client
}

/** A client and its kind of device, built once per request. */
export interface Actor {
  client: Client
  deviceHash: string
}

/** The device and the address of a client, for the rows that its owner reads. */
export const originOf = ({ client }: Pick<Actor, 'client'>): { device: string; ip: string } => ({
  device: describeDevice(client.userAgent),
  ip: client.ip,
})

/** @param bound as in {@link deviceOf} */
export const actorOf = (client: Client, deps: ClientDeps, bound?: string): Actor => ({
  client,
  deviceHash: deviceOf(client, deps, bound),
})

/** @param bound the device hash of the session that the request presents, if any */
export const deviceOf = (client: Client, deps: ClientDeps, bound?: string): string =>
  deviceHashFor(client.userAgent, client.hints, deps.deviceKeys, bound)
