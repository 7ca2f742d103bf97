import { randomBytes, randomUUID } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect } from 'vitest'
import { createMemoryStores } from '../functions/stores/memory-stores.ts'
import { openSessions } from '../shared/session/open.ts'
import { connectRedis } from '../shared/stores/connect.ts'
import { LIFETIMES } from '../shared/stores/contract/live-sessions.ts'
import type { LiveSessions, NewSession, Tombstone } from '../shared/stores/port.ts'

export const ABSOLUTE_SECONDS = 86_400
const HOME = '192.0.2.1'
const contained = (n: number): Tombstone => ({ reason: 'contained', at: Date.now(), containmentId: `c-${n}` })

/** Both hosts over one Redis, with ledgers that outlive it. */
export function twoHosts(url: string) {
  const stores = createMemoryStores({ now: Date.now, lifetimes: LIFETIMES })
  const ledger = { ...stores.ledger }
  const connections: (() => Promise<void>)[] = []
  const host = (users?: typeof stores.users) => {
    const { redis, close } = connectRedis(url)
    connections.push(close)
    return openSessions(redis, LIFETIMES, {
      ...{ ledger, users, absoluteSeconds: ABSOLUTE_SECONDS, now: Date.now, warn: () => {} },
    })
  }
  const hosts = { functions: host(stores.users), web: host() }
  const close = async () => void (await Promise.all(connections.map((end) => end())))
  return { ...stores, ledger, hosts, again: host, close }
}
export type Hosts = ReturnType<typeof twoHosts>

export async function signIn({ hosts, ledger }: Hosts, over: Partial<NewSession> = {}): Promise<NewSession> {
  const now = Date.now()
  const session: NewSession = {
    ...{ sid: randomBytes(16).toString('base64url'), userId: randomUUID(), deviceHash: 'd'.repeat(32) },
    ...{ amr: ['pwd'], acr: 'signed-in', authTime: now, absoluteExpiry: now + ABSOLUTE_SECONDS * 1000, epoch: 1 },
    ...{ via: 'web', ip: HOME, device: 'Firefox on Linux' },
    ...over,
  }
  const { userId, sid, deviceHash, device, ip, via, absoluteExpiry } = session
  const row = { userId, sid, deviceHash, device, ip, via, state: 'active' as const, issuedAt: new Date(now) }
  await ledger.open({ ...row, absoluteExpiry: new Date(absoluteExpiry) })
  await hosts.functions.create(session, now)
  return session
}
export const many = (count: number, hosts: Hosts) => Promise.all(Array.from({ length: count }, () => signIn(hosts)))

/** As `contain` does: Redis first, then the ledger. */
export async function revoke({ sid, userId }: NewSession, n: number, { hosts, ledger }: Hosts) {
  const tombstone = contained(n)
  await hosts.web.revoke(sid, tombstone)
  await ledger.close(userId, sid, { ...tombstone, state: 'revoked', at: new Date(tombstone.at) })
}

export const present = (host: LiveSessions, { sid, userId }: NewSession) =>
  host.present({ sid, userId, gen: 1, network: HOME }, Date.now())
export const kindOf = async (host: LiveSessions, session: NewSession) =>
  present(host, session).then(
    ({ kind }) => kind,
    () => 'no answer' as const,
  )
export const everywhere = async ({ hosts }: Hosts, sessions: readonly NewSession[]) =>
  Promise.all([hosts.functions, hosts.web].flatMap((host) => sessions.map((session) => kindOf(host, session))))

/** Asks for all of them on both hosts, over and over. @returns a function that stops it, and says what was answered */
export function keepAsking(hosts: Hosts, sessions: readonly NewSession[]) {
  const answers = new Map<string, number>()
  let stopped = false
  const asking = (async () => {
    while (!stopped) {
      // A store that is known to be away refuses at once: the loop must leave others their turn.
      await nextTurn()
      for (const kind of await everywhere(hosts, sessions)) answers.set(kind, (answers.get(kind) ?? 0) + 1)
    }
  })()
  return async () => {
    stopped = true
    await asking
    return answers
  }
}
/** What was answered at all, beside that there is no answer now. */
export const kindsOf = (answers: ReadonlyMap<string, number>) =>
  [...answers.keys()].filter((kind) => kind !== 'no answer')
export const untilLive = (hosts: Hosts, sessions: readonly NewSession[]) =>
  expect.poll(async () => new Set(await everywhere(hosts, sessions)), { timeout: 30_000 }).toEqual(new Set(['live']))
