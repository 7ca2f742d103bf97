import { networkOf } from '../client/address.ts'
import { type Actor, actorOf, type Client, type ClientDeps } from '../client/client.ts'
import { actorFields, type RequestFields } from '../client/event.ts'
import type { Emit, Event } from '../event.ts'
import type { LiveSession, LiveSessions, RevocationReason, SessionLedger } from '../stores/port.ts'
import { claimsOf } from './issue.ts'
import { admit, type DeviceBinding } from './policy.ts'
import type { Sightings } from './sightings.ts'
import type { Claims, VerifyToken } from './token.ts'

/** A session, and who presents it. */
export interface Asking extends Actor {
  session: LiveSession
}

/** The result of presenting a token. Only `accepted` may continue. */
export type SessionCheck =
  | ({ kind: 'accepted'; presentedGen: number; renewalDue: boolean } & Asking)
  | ({ kind: 'challenged' } & Asking)
  | { kind: 'refused' }
  | { kind: 'missing' }
  | { kind: 'invalid' }
  | { kind: 'expired' }
  | { kind: 'fork'; sid: string; at: number }
  | { kind: 'revoked'; sid: string; reason: RevocationReason; at: number }

export interface PresentDeps extends ClientDeps {
  verifyToken: VerifyToken
  sessions: Pick<LiveSessions, 'present'>
  ledger: Pick<SessionLedger, 'find' | 'close'>
  sightings: Sightings
  binding: DeviceBinding
  emit: Emit
  now: () => number
}

/**
 * Decides whether a request may act as the session of its token, and emits the events that reveal a stolen session.
 * Both hosts call it for every request, so a revocation by one host holds on the other at the next request.
 * @throws the fault of the store: a session that cannot be read is not accepted
 */
export async function presentSession(
  token: string | undefined,
  client: Client,
  deps: PresentDeps,
): Promise<SessionCheck> {
  if (!token) return { kind: 'missing' }
  const now = deps.now()
  const verification = await deps.verifyToken(token, now)
  if (verification.kind === 'invalid') return invalid(verification.reason, client, deps)
  const { claims } = verification
  if (claims.aud !== client.via) return invalid('wrong_audience', client, deps)
  if (verification.kind === 'expired') return dead(claims, client, deps, undefined)

  const presented = await deps.sessions.present(
    { sid: claims.sid, userId: claims.sub, gen: claims.gen, network: networkOf(client.ip) },
    now,
  )
  if (presented.kind === 'revoked') return dead(claims, client, deps, presented.tombstone)
  if (presented.kind === 'absent') return dead(claims, client, deps, await revocationInLedger(claims, deps))

  const { session } = presented
  if (!agrees(claims, session)) return invalid('mismatch', client, deps)
  const actor = actorOf(client, deps, session.deviceHash)
  const { deviceHash } = actor
  const { userId, sid } = session
  const isFork = presented.kind === 'fork'
  const admission = isFork ? 'refused' : admit(session.deviceHash, deviceHash, deps.binding)
  if (isFork || deps.sightings.isNew(sid, deviceHash, client.ip, now)) {
    const fields = { ...actorFields(actor), usr: { id: userId }, sid }
    deps.emit({ ...fields, evt: 'session', outcome: 'seen', reason: admission })
  }
  if (isFork) {
    await endForked(session, actorFields(actor), deps)
    return { kind: 'fork', sid, at: now }
  }
  if (admission === 'refused') return { kind: 'refused' }
  if (admission === 'challenged') return { kind: 'challenged', session, ...actor }
  return { kind: 'accepted', session, ...actor, presentedGen: claims.gen, renewalDue: presented.renewalDue }
}

/** Compares the signed claims with the store: a write to the store alone must not turn one user into another. */
function agrees(claims: Claims, session: LiveSession): boolean {
  const stored = claimsOf(session)
  return (
    claims.sub === stored.sub &&
    claims.aud === stored.aud &&
    claims.acr === stored.acr &&
    claims.auth_time === stored.auth_time &&
    claims.amr.length === stored.amr.length &&
    claims.amr.every((method, at) => method === stored.amr[at])
  )
}

type Fault = Extract<Event, { evt: 'session'; outcome: 'invalid' }>['reason']

function invalid(reason: Fault, client: Client, deps: PresentDeps): SessionCheck {
  deps.emit({ ...actorFields(actorOf(client, deps)), evt: 'session', outcome: 'invalid', reason })
  return { kind: 'invalid' }
}

/** The session is revoked in Redis already: emits the event and closes the ledger row. */
export async function endForked(
  { userId, sid }: Pick<LiveSession, 'userId' | 'sid'>,
  fields: RequestFields,
  deps: { ledger: Pick<SessionLedger, 'close'>; emit: Emit; now: () => number },
): Promise<void> {
  deps.emit({ ...fields, evt: 'session', outcome: 'fork', usr: { id: userId }, sid, level: 'warn' })
  await deps.ledger.close(userId, sid, { state: 'revoked', at: new Date(deps.now()), reason: 'forked' })
}

/**
 * A session that is only absent has expired. `revoked` needs a tombstone, or a ledger row if Redis has lost its data.
 */
async function revocationInLedger(claims: Claims, deps: PresentDeps) {
  const row = await deps.ledger.find(claims.sub, claims.sid)
  return row?.state === 'revoked' && row.reason ? { reason: row.reason, at: row.endedAt?.getTime() ?? 0 } : undefined
}

function dead(
  claims: Claims,
  client: Client,
  deps: PresentDeps,
  revocation: { reason: RevocationReason; at: number } | undefined,
): SessionCheck {
  const fields = { ...actorFields(actorOf(client, deps)), usr: { id: claims.sub }, sid: claims.sid }
  if (!revocation) {
    deps.emit({ ...fields, evt: 'session', outcome: 'expired' })
    return { kind: 'expired' }
  }
  const { reason, at } = revocation
  deps.emit({ ...fields, evt: 'session', outcome: 'revoked', reason })
  return { kind: 'revoked', sid: claims.sid, reason, at }
}
