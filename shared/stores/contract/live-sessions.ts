import { randomBytes, randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Lifetimes } from '../../session/policy.ts'
import type { LiveSessions, NewSession, Tombstone } from '../port.ts'

const NOW = Date.parse('2026-03-01T12:00:00Z')
const ABSOLUTE_MS = 86_400_000
/** The lifetimes with which the suite expects the store to be made. */
export const LIFETIMES: Lifetimes = { idleSeconds: 3600, renewSeconds: 200, graceSeconds: 20 }
const IDLE_MS = LIFETIMES.idleSeconds * 1000
const RENEW_MS = LIFETIMES.renewSeconds * 1000
const GRACE_MS = LIFETIMES.graceSeconds * 1000

/** Networks that ask for a renewal. */
const [NETWORK, OTHER_NETWORK] = ['192.0.2.1', '2001:db8:0:1::/64']

const NOBODY = '00000000-0000-0000-0000-000000000000'

const contained: Tombstone = { reason: 'contained', at: NOW, containmentId: 'c-1' }

/** What holds for every store of live sessions. Each test uses a sid of its own. */
export function liveSessionsContract(sessions: LiveSessions): void {
  const owners = new Map<string, string>()
  const factsOf = (over: Partial<NewSession> = {}): NewSession => ({
    sid: randomBytes(16).toString('base64url'),
    userId: randomUUID(),
    deviceHash: 'd'.repeat(32),
    amr: ['pwd', 'otp'],
    acr: 'signed-in',
    authTime: NOW,
    absoluteExpiry: NOW + ABSOLUTE_MS,
    epoch: 1,
    via: 'web',
    ip: NETWORK,
    device: 'Firefox on Linux',
    ...over,
  })
  async function started(over: Partial<NewSession> = {}) {
    const session = factsOf(over)
    owners.set(session.sid, session.userId)
    await sessions.create(session, NOW)
    return session
  }
  const present = (sid: string, gen: number, now: number, network = NETWORK) =>
    sessions.present({ sid, userId: owners.get(sid) ?? NOBODY, gen, network }, now)
  const renew = (sid: string, gen: number, now: number, network = NETWORK) =>
    sessions.renew({ sid, userId: owners.get(sid) ?? NOBODY, gen, network }, now)
  const kindOf = async (sid: string, gen: number, now: number) => (await present(sid, gen, now)).kind
  /** Renews to gen 2 and presents it: gen 1 is retired at the time returned. */
  async function renewed(sid: string): Promise<number> {
    const at = NOW + RENEW_MS
    await renew(sid, 1, at)
    await present(sid, 2, at)
    return at
  }

  describe('a session that is live', () => {
    test.each([{}, { risk: ['after_failures', 'spray'] as const }])('is read as it was created: %j', async (over) => {
      const session = await started(over)
      const expected = { ...session, gen: 1, createdAt: NOW, lastSeenAt: NOW }
      expect(await sessions.read(session.sid, NOW)).toEqual(expected)
      expect(await present(session.sid, 1, NOW)).toEqual({
        kind: 'live',
        session: expected,
        renewalDue: false,
      })
    })

    test('cannot be created twice', async () => {
      const session = await started()
      await expect(sessions.create({ ...session, userId: randomUUID() }, NOW)).rejects.toThrow('exists already')
      expect(await sessions.read(session.sid, NOW)).toMatchObject({ userId: session.userId })
    })

    test('ends at the very instant its idle time is over', async () => {
      const [one, other] = [await started(), await started()]
      expect(await kindOf(one.sid, 1, NOW + IDLE_MS - 1)).toBe('live')
      expect(await kindOf(other.sid, 1, NOW + IDLE_MS)).toBe('absent')
    })

    test('ends at the very instant its absolute time is over, however busy it is', async () => {
      const [one, other] = [
        await started({ absoluteExpiry: NOW + 5000 }),
        await started({ absoluteExpiry: NOW + 5000 }),
      ]
      expect(await kindOf(one.sid, 1, NOW + 4999)).toBe('live')
      expect(await kindOf(other.sid, 1, NOW + 5000)).toBe('absent')
      expect(await kindOf(one.sid, 1, NOW + 5000)).toBe('absent')
    })

    test('stays live for another idle time from each presentation', async () => {
      const { sid } = await started()
      const later = NOW + IDLE_MS - 1
      await present(sid, 1, later)
      expect(await sessions.read(sid, later + IDLE_MS - 1)).toMatchObject({ lastSeenAt: later })
      expect(await sessions.read(sid, later + IDLE_MS)).toBeUndefined()
    })

    test('is not kept alive by being read', async () => {
      const { sid } = await started()
      await sessions.read(sid, NOW + IDLE_MS - 1)
      expect(await kindOf(sid, 1, NOW + IDLE_MS)).toBe('absent')
    })

    test('is not shortened by a host whose clock is behind', async () => {
      const { sid } = await started()
      await present(sid, 1, NOW + 1000)
      await present(sid, 1, NOW + 400)
      expect(await kindOf(sid, 1, NOW + 1000 + IDLE_MS - 1)).toBe('live')
    })

    test('is found among others, in the order asked for', async () => {
      const [one, other] = [await started(), await started()]
      const found = await sessions.readMany([other.sid, 'unknown', one.sid], NOW)
      expect(found.map((session) => session?.sid)).toEqual([other.sid, undefined, one.sid])
      expect(await sessions.readMany([], NOW)).toEqual([])
    })

    test('ends by logout once, and leaves no tombstone', async () => {
      const { sid } = await started()
      expect(await Promise.all([sessions.end(sid), sessions.end(sid)])).toEqual([true, false])
      expect(await present(sid, 1, NOW)).toEqual({ kind: 'absent' })
      expect(await sessions.tombstone(sid)).toBeUndefined()
    })
  })

  describe('renewal', () => {
    test('is due once the gen was in use for the whole interval', async () => {
      const { sid } = await started()
      expect(await present(sid, 1, NOW + RENEW_MS - 1)).toMatchObject({ renewalDue: false })
      expect(await present(sid, 1, NOW + RENEW_MS)).toMatchObject({ renewalDue: true })
    })

    test('before it is due is refused, with the time to wait', async () => {
      const { sid } = await started()
      expect(await renew(sid, 1, NOW + RENEW_MS - 1)).toEqual({ kind: 'early', waitMs: 1 })
      expect(await renew(sid, 1, NOW + RENEW_MS)).toMatchObject({ kind: 'offered', gen: 2, session: { sid, gen: 1 } })
    })

    test('makes a successor of its own for each network, and one for twenty calls of the same', async () => {
      const { sid } = await started()
      const asked = [NETWORK, OTHER_NETWORK].flatMap((network) =>
        Array.from({ length: 20 }, () => renew(sid, 1, NOW + RENEW_MS, network)),
      )
      const answers = await Promise.all(asked)
      expect(answers.flatMap((answer) => ('gen' in answer ? [answer.gen] : [])).sort()).toEqual([2, 3])
      expect(answers.filter(({ kind }) => kind === 'repeated')).toHaveLength(38)
    })

    test('is refused to a network that has asked within the grace, and not due to it, until the grace is over', async () => {
      const { sid } = await started()
      const asked = NOW + RENEW_MS
      await renew(sid, 1, asked)
      expect(await present(sid, 1, asked)).toMatchObject({ renewalDue: false })
      expect(await present(sid, 1, asked, OTHER_NETWORK)).toMatchObject({ renewalDue: true })
      expect(await renew(sid, 1, asked + GRACE_MS)).toEqual({ kind: 'repeated', waitMs: 1 })
      expect(await present(sid, 1, asked + GRACE_MS)).toMatchObject({ renewalDue: false })
      expect(await present(sid, 1, asked + GRACE_MS + 1)).toMatchObject({ renewalDue: true })
      expect(await renew(sid, 1, asked + GRACE_MS + 1)).toMatchObject({ kind: 'offered', gen: 3 })
      expect(await present(sid, 3, asked + GRACE_MS + 2)).toMatchObject({ kind: 'live', session: { gen: 3 } })
    })

    test('for the eighth time without a successor that is presented is a fork', async () => {
      const { sid } = await started()
      const due = NOW + RENEW_MS
      for (let n = 0; n < 7; n++) expect(await renew(sid, 1, due, `192.0.2.${n}`)).toMatchObject({ kind: 'offered' })
      expect(await present(sid, 1, due)).toMatchObject({ kind: 'live' })
      expect(await renew(sid, 1, due + 1, OTHER_NETWORK)).toMatchObject({ kind: 'fork', session: { sid } })
      expect(await present(sid, 2, due + 1)).toEqual({ kind: 'revoked', tombstone: { reason: 'forked', at: due + 1 } })
    })

    test('counts the successors of one gen alone', async () => {
      const { sid } = await started()
      let at = NOW
      for (let gen = 1; gen < 20; gen++) {
        at += RENEW_MS
        expect(await renew(sid, gen, at)).toMatchObject({ kind: 'offered', gen: gen + 1 })
        expect(await present(sid, gen + 1, at)).toMatchObject({ kind: 'live', session: { gen: gen + 1 } })
      }
    })

    test('lets siblings take each other’s place: two tabs may each have got one', async () => {
      const { sid } = await started()
      const due = NOW + RENEW_MS
      await renew(sid, 1, due, NETWORK)
      await renew(sid, 1, due, OTHER_NETWORK)
      expect(await present(sid, 2, due + 1)).toMatchObject({ kind: 'live', session: { gen: 2 } })
      expect(await present(sid, 3, due + IDLE_MS - 1)).toMatchObject({ kind: 'live', session: { gen: 3 } })
      expect(await present(sid, 2, due + IDLE_MS + GRACE_MS - 1)).toMatchObject({ kind: 'live', session: { gen: 3 } })
      expect(await kindOf(sid, 2, due + IDLE_MS + GRACE_MS)).toBe('fork')
    })

    test('keeps the successor of a sibling that a slow request asked for', async () => {
      const { sid } = await started()
      const due = NOW + RENEW_MS
      await renew(sid, 1, due, NETWORK)
      await renew(sid, 1, due, OTHER_NETWORK)
      await present(sid, 2, due)
      expect(await renew(sid, 2, due + RENEW_MS)).toMatchObject({ kind: 'offered', gen: 4 })
      await present(sid, 3, due + RENEW_MS)
      expect(await present(sid, 4, due + RENEW_MS + 600_000)).toMatchObject({ kind: 'live', session: { gen: 4 } })
    })

    test('drops the siblings of a gen when the gen is renewed: they are retired then', async () => {
      const { sid } = await started()
      const due = NOW + RENEW_MS
      await renew(sid, 1, due, NETWORK)
      await renew(sid, 1, due, OTHER_NETWORK)
      await present(sid, 3, due)
      await renew(sid, 3, due + RENEW_MS)
      const dropped = due + RENEW_MS
      await present(sid, 4, dropped)
      expect(await present(sid, 2, dropped + GRACE_MS)).toMatchObject({ kind: 'live', renewalDue: false })
      expect(await kindOf(sid, 2, dropped + GRACE_MS + 1)).toBe('fork')
    })

    test('retires a gen only when its successor is presented', async () => {
      const { sid } = await started()
      const offered = NOW + RENEW_MS
      await renew(sid, 1, offered)
      expect(await present(sid, 1, offered + 600_000)).toMatchObject({ kind: 'live', renewalDue: true })
      expect(await present(sid, 2, offered + 600_001)).toMatchObject({
        kind: 'live',
        session: { gen: 2 },
        renewalDue: false,
      })
    })

    test('counts the use of a gen from its first presentation, not from its latest', async () => {
      const { sid } = await started()
      const first = await renewed(sid)
      expect(await present(sid, 2, first + GRACE_MS)).toMatchObject({ renewalDue: false })
      expect(await present(sid, 2, first + RENEW_MS)).toMatchObject({ renewalDue: true })
    })

    test('gives nothing to whoever holds a retired gen', async () => {
      const { sid } = await started()
      const retired = await renewed(sid)
      expect(await renew(sid, 1, retired + 1)).toEqual({ kind: 'stale' })
    })

    test('gives nothing to whoever holds an offer that was not presented', async () => {
      const { sid } = await started()
      await renew(sid, 1, NOW + RENEW_MS)
      expect(await renew(sid, 2, NOW + RENEW_MS)).toEqual({ kind: 'stale' })
    })

    test('of a revoked session says why it is over', async () => {
      const { sid } = await started()
      await sessions.revoke(sid, contained)
      expect(await renew(sid, 1, NOW + RENEW_MS)).toEqual({ kind: 'revoked', tombstone: contained })
    })

    test('neither makes a session nor keeps one alive', async () => {
      expect(await renew('unknown', 1, NOW)).toEqual({ kind: 'absent' })
      const { sid } = await started()
      await renew(sid, 1, NOW + IDLE_MS - 1)
      expect(await renew(sid, 1, NOW + IDLE_MS)).toEqual({ kind: 'absent' })
      expect(await kindOf(sid, 1, NOW + IDLE_MS)).toBe('absent')
    })

    test('numbers go on rising', async () => {
      const { sid } = await started()
      const first = await renewed(sid)
      expect(await renew(sid, 2, first + RENEW_MS - 1)).toMatchObject({ kind: 'early' })
      expect(await renew(sid, 2, first + RENEW_MS)).toMatchObject({ kind: 'offered', gen: 3 })
    })
  })

  describe('a fork', () => {
    test('is a retired gen presented after its grace', async () => {
      const { sid } = await started()
      const retired = await renewed(sid)
      expect(await present(sid, 1, retired + GRACE_MS)).toMatchObject({ kind: 'live', renewalDue: false })
      expect(await present(sid, 1, retired + GRACE_MS + 1)).toMatchObject({ kind: 'fork', session: { sid } })
    })

    test('is not put off by the use of the successor', async () => {
      const { sid } = await started()
      const retired = await renewed(sid)
      await present(sid, 2, retired + GRACE_MS)
      expect(await kindOf(sid, 1, retired + GRACE_MS + 1)).toBe('fork')
    })

    test.each([0, 2, 99])('is gen %i, which was never offered', async (gen) => {
      const { sid } = await started()
      expect(await kindOf(sid, gen, NOW)).toBe('fork')
    })

    test('signs both holders out at once, and says why', async () => {
      const { sid } = await started()
      const forkedAt = (await renewed(sid)) + GRACE_MS + 1
      await present(sid, 1, forkedAt)
      const tombstone = { reason: 'forked', at: forkedAt }
      expect(await present(sid, 2, forkedAt)).toEqual({ kind: 'revoked', tombstone })
      expect(await sessions.read(sid, forkedAt)).toBeUndefined()
    })

    test('is met once, however many present it in parallel', async () => {
      const { sid } = await started()
      const forkedAt = (await renewed(sid)) + GRACE_MS + 1
      const kinds = await Promise.all(Array.from({ length: 10 }, () => kindOf(sid, 1, forkedAt)))
      expect(kinds.filter((kind) => kind === 'fork')).toHaveLength(1)
      expect(kinds.filter((kind) => kind === 'revoked')).toHaveLength(9)
    })

    test('leaves a later containment nothing to do', async () => {
      const { sid } = await started()
      await present(sid, 99, NOW)
      expect(await sessions.revoke(sid, contained)).toBe('noop')
      expect(await sessions.tombstone(sid)).toEqual({ reason: 'forked', at: NOW })
    })
  })

  describe('a revoked session', () => {
    test('dies once, and tells what revoked it', async () => {
      const { sid } = await started()
      const ways = Array.from({ length: 5 }, (_, n) => ({ ...contained, containmentId: `c-${n}` }))
      const results = await Promise.all(ways.map((way) => sessions.revoke(sid, way)))
      expect(results.filter((result) => result === 'success')).toHaveLength(1)
      const tombstone = ways[results.indexOf('success')]
      expect(await present(sid, 1, NOW)).toEqual({ kind: 'revoked', tombstone })
    })

    test('died of a containment however often that is carried out, and of nothing else', async () => {
      const { sid } = await started()
      const again = { ...contained, at: NOW + 5 }
      expect(await Promise.all([sessions.revoke(sid, contained), sessions.revoke(sid, again)])).toEqual(
        Array(2).fill('success'),
      )
      expect(await sessions.revoke(sid, again)).toBe('success')
      expect(await sessions.revoke(sid, { ...contained, containmentId: 'c-10' })).toBe('noop')
      expect(await sessions.revoke(sid, { reason: 'contained', at: NOW })).toBe('noop')
    })

    test('did not die of a containment that came too late, however often that is carried out', async () => {
      const { sid } = await started()
      await sessions.end(sid)
      expect(await sessions.revoke(sid, contained)).toBe('noop')
      expect(await sessions.revoke(sid, contained)).toBe('noop')
    })

    test('keeps its first tombstone', async () => {
      const { sid } = await started()
      await sessions.revoke(sid, contained)
      expect(await sessions.revoke(sid, { reason: 'password_changed', at: NOW + 1 })).toBe('noop')
      expect(await sessions.tombstone(sid)).toEqual(contained)
    })

    test('cannot be brought back: not by a presentation, a renewal nor a new session of its sid', async () => {
      const session = await started()
      await sessions.revoke(session.sid, contained)
      await Promise.all([present(session.sid, 1, NOW), renew(session.sid, 1, NOW + RENEW_MS)])
      await sessions.create(session, NOW)
      expect(await sessions.read(session.sid, NOW)).toBeUndefined()
      expect(await kindOf(session.sid, 1, NOW)).toBe('revoked')
    })

    test('stays dead while it is presented and renewed in the same moment', async () => {
      const { sid } = await started()
      const use = Array.from({ length: 20 }, () => [present(sid, 1, NOW), renew(sid, 1, NOW + RENEW_MS)])
      await Promise.all([...use.flat(), sessions.revoke(sid, contained)])
      expect(await sessions.read(sid, NOW)).toBeUndefined()
      expect(await kindOf(sid, 1, NOW)).toBe('revoked')
    })

    test('need not have existed: the sid is remembered as revoked', async () => {
      const sid = randomBytes(16).toString('base64url')
      expect(await sessions.revoke(sid, contained)).toBe('noop')
      expect(await sessions.tombstone(sid)).toEqual(contained)
    })

    test('did not die by a revocation that came when it was over already', async () => {
      const { sid } = await started()
      expect(await sessions.revoke(sid, { ...contained, at: NOW + IDLE_MS })).toBe('noop')
      expect(await kindOf(sid, 1, NOW)).toBe('revoked')
    })

    test('is the same one, whether or not whoever revokes it knows whose it is', async () => {
      const session = await started()
      expect(await sessions.revoke(session.sid, contained, session.userId)).toBe('success')
      const other = { ...contained, containmentId: 'c-2' }
      expect(await sessions.revoke(session.sid, other, session.userId)).toBe('noop')
      expect(await kindOf(session.sid, 1, NOW)).toBe('revoked')
      expect(await sessions.tombstone(session.sid)).toEqual(contained)
    })

    test('has an owner, and a sid that nobody had has none', async () => {
      const session = await started()
      expect(await sessions.ownerOf(session.sid)).toBe(session.userId)
      const unknown = randomBytes(16).toString('base64url')
      expect(await sessions.ownerOf(unknown)).toBeUndefined()
      await sessions.revoke(unknown, contained)
      expect(await sessions.ownerOf(unknown)).toBeUndefined()
    })

    test('of a user may be revoked before it begins', async () => {
      const session = factsOf()
      owners.set(session.sid, session.userId)
      expect(await sessions.revoke(session.sid, contained, session.userId)).toBe('noop')
      await sessions.create(session, NOW)
      expect(await kindOf(session.sid, 1, NOW)).toBe('revoked')
      expect(await sessions.tombstone(session.sid)).toEqual(contained)
    })

    test('takes no other with it', async () => {
      const [one, other] = [await started(), await started()]
      await sessions.revoke(one.sid, contained)
      expect(await kindOf(other.sid, 1, NOW)).toBe('live')
    })
  })
  describe('an epoch', () => {
    const until = NOW + ABSOLUTE_MS
    const raise = (userId: string, epoch: number, at = NOW) =>
      sessions.raiseEpoch(userId, { ...contained, epoch, at }, until)

    test('that is raised ends every earlier session, however many there are, and no later one', async () => {
      const { userId, sid } = await started()
      const other = await started({ userId })
      await raise(userId, 2)
      const next = await started({ userId, epoch: 2 })
      for (const dead of [sid, other.sid]) {
        expect(await sessions.read(dead, NOW)).toBeUndefined()
        expect(await renew(dead, 1, NOW + RENEW_MS)).toEqual({ kind: 'revoked', tombstone: contained })
        expect(await present(dead, 1, NOW)).toEqual({ kind: 'revoked', tombstone: contained })
        expect(await sessions.tombstone(dead)).toEqual(contained)
      }
      expect(await kindOf(next.sid, 1, NOW)).toBe('live')
      expect(await sessions.readMany([sid, next.sid], NOW)).toMatchObject([undefined, { sid: next.sid }])
      expect(await sessions.listByUser(userId, NOW)).toMatchObject([{ sid: next.sid }])
    })

    test('is never lowered, and tells why it was raised', async () => {
      const { userId, sid } = await started({ epoch: 2 })
      expect(await sessions.revocationOf(userId)).toBeUndefined()
      await raise(userId, 3)
      await raise(userId, 2, NOW + 1)
      await raise(userId, 3, NOW + 2)
      expect(await sessions.revocationOf(userId)).toEqual({ ...contained, epoch: 3 })
      expect(await kindOf(sid, 1, NOW)).toBe('revoked')
    })

    test('of one user leaves the sessions of others', async () => {
      const [one, other] = [await started(), await started()]
      await raise(one.userId, 2)
      expect(await kindOf(other.sid, 1, NOW)).toBe('live')
    })

    describe('that was raised by a containment', () => {
      const CUT = NOW + 60_000
      const contain = (userId: string, epoch: number, openedBefore = CUT) =>
        sessions.raiseEpoch(userId, { ...contained, at: CUT + 30_000, epoch, openedBefore }, until)
      const tombstone = { ...contained, at: CUT + 30_000 }
      async function openedAt(begunAt: number, over: Partial<NewSession> = {}, createdAt = begunAt) {
        const session = factsOf({ ...over, begunAt })
        owners.set(session.sid, session.userId)
        await sessions.create(session, createdAt)
        return session
      }

      test('spares what was opened since the cut-off, and ends what was opened a millisecond before', async () => {
        const before = await openedAt(CUT - 1)
        const { userId } = before
        const since = await openedAt(CUT, { userId })
        await contain(userId, 2)
        const later = CUT + 60_000
        expect(await sessions.listByUser(userId, later)).toMatchObject([{ sid: since.sid }])
        expect(await sessions.read(before.sid, later)).toBeUndefined()
        expect(await sessions.read(since.sid, later)).toMatchObject({ sid: since.sid, epoch: 2 })
        expect(await present(before.sid, 1, later)).toEqual({ kind: 'revoked', tombstone })
        expect(await present(since.sid, 1, later)).toMatchObject({ kind: 'live', session: { epoch: 2 } })
        expect(await sessions.revocationOf(userId)).toEqual({ ...tombstone, epoch: 2, openedBefore: CUT })
      })

      test('ends a session whose holder began to sign in before the cut-off, whenever it was written', async () => {
        const [slow, unknown] = [await openedAt(CUT - 1, {}, CUT + 500), factsOf()]
        owners.set(unknown.sid, unknown.userId)
        await sessions.create(unknown, CUT - 1)
        await contain(slow.userId, 2)
        await contain(unknown.userId, 2)
        expect(await kindOf(slow.sid, 1, CUT + 60_000)).toBe('revoked')
        expect(await kindOf(unknown.sid, 1, CUT + 60_000)).toBe('revoked')
      })

      test('leaves a spared session what it was: it is renewed, and found when it forks', async () => {
        const { sid, userId } = await openedAt(CUT)
        await contain(userId, 2)
        const due = CUT + RENEW_MS
        expect(await present(sid, 1, due)).toMatchObject({ kind: 'live', renewalDue: true })
        expect(await renew(sid, 1, due)).toMatchObject({ kind: 'offered', gen: 2, session: { epoch: 2 } })
        expect(await present(sid, 2, due)).toMatchObject({ kind: 'live', session: { gen: 2, epoch: 2 } })
        expect(await kindOf(sid, 1, due + GRACE_MS + 1)).toBe('fork')
      })

      test('lets a spared session adopt the epoch that follows', async () => {
        const { sid, userId } = await openedAt(CUT)
        await contain(userId, 2)
        await present(sid, 1, CUT + 1)
        expect(await sessions.adopt(sid, { from: 2, to: 3 }, CUT + 2)).toBe(true)
        await raise(userId, 3, CUT + 2)
        expect(await kindOf(sid, 1, CUT + 3)).toBe('live')
      })

      test.each([
        ['before', [2, 3]],
        ['after', [3, 2]],
      ])('brings back no session that a change ended %s', async (_, [change = 0, containment = 0]) => {
        // One epoch of each; their order must not matter.
        for (const first of ['change', 'containment']) {
          const { sid, userId } = await openedAt(CUT)
          const both = [() => raise(userId, change), () => contain(userId, containment)]
          for (const tell of first === 'change' ? both : both.reverse()) await tell()
          expect(await sessions.read(sid, CUT + 60_000)).toBeUndefined()
          expect(await present(sid, 1, CUT + 60_000)).toEqual({ kind: 'revoked', tombstone: contained })
        }
      })

      test('keeps what an earlier one ended: the latest cut-off is the one that counts', async () => {
        const { sid, userId } = await openedAt(CUT - 1)
        await contain(userId, 2)
        await contain(userId, 3, NOW + 1)
        expect(await sessions.revocationOf(userId)).toMatchObject({ epoch: 3, openedBefore: CUT })
        expect(await kindOf(sid, 1, CUT + 60_000)).toBe('revoked')
      })
    })

    test('is adopted by a live session of the one before, and by no other', async () => {
      const { userId, sid } = await started()
      const dead = await started({ userId })
      await sessions.revoke(dead.sid, contained)
      expect(await sessions.adopt(sid, { from: 2, to: 3 }, NOW)).toBe(false)
      expect(await sessions.adopt(dead.sid, { from: 1, to: 2 }, NOW)).toBe(false)
      expect(await sessions.adopt(sid, { from: 1, to: 2 }, NOW + IDLE_MS)).toBe(false)
    })

    test('that a session has adopted does not end it', async () => {
      const { userId, sid } = await started()
      expect(await sessions.adopt(sid, { from: 1, to: 2 }, NOW)).toBe(true)
      await raise(userId, 2)
      expect(await present(sid, 1, NOW)).toMatchObject({ kind: 'live', session: { epoch: 2, gen: 1 } })
      await raise(userId, 3)
      expect(await kindOf(sid, 1, NOW)).toBe('revoked')
    })
  })

  describe('the sessions of a user', () => {
    test('are listed while they live', async () => {
      const { userId, sid } = await started()
      const [ended, revoked] = [await started({ userId }), await started({ userId })]
      await started()
      await sessions.end(ended.sid)
      await sessions.revoke(revoked.sid, contained)
      expect((await sessions.listByUser(userId, NOW)).map((session) => session.sid)).toEqual([sid])
      expect(await sessions.listByUser(userId, NOW + IDLE_MS)).toEqual([])
      expect(await sessions.listByUser(randomUUID(), NOW)).toEqual([])
    })

    test('are twenty-five: one more names those that expire first, and ended ones do not count', async () => {
      const userId = randomUUID()
      const create = async (absoluteExpiry: number) => {
        const session = factsOf({ userId, absoluteExpiry })
        return { sid: session.sid, tooMany: await sessions.create(session, NOW) }
      }
      const made = []
      for (let n = 0; n < 25; n++) made.push(await create(NOW + ABSOLUTE_MS + 25 - n))
      expect(made.flatMap(({ tooMany }) => tooMany)).toEqual([])
      await sessions.end(made[3]?.sid ?? '')
      expect((await create(NOW + ABSOLUTE_MS + 100)).tooMany).toEqual([])
      expect((await create(NOW + ABSOLUTE_MS + 101)).tooMany).toEqual([made[24]?.sid])
    })
  })

  describe('a session that took the place of another', () => {
    const until = NOW + ABSOLUTE_MS

    test('is revoked with it, and so is its own successor', async () => {
      const [first, second, third] = [await started(), await started(), await started()]
      expect(await sessions.end(first.sid, { sid: second.sid, until })).toBe(true)
      expect(await sessions.end(second.sid, { sid: third.sid, until })).toBe(true)
      expect(await sessions.successorsOf(first.sid)).toEqual([second.sid, third.sid])
      expect(await sessions.successorsOf(third.sid)).toEqual([])
      expect(await sessions.revoke(first.sid, contained)).toBe('success')
      expect(await kindOf(third.sid, 1, NOW)).toBe('revoked')
      expect(await sessions.revoke(first.sid, contained)).toBe('success')
      expect(await sessions.revoke(first.sid, { ...contained, containmentId: 'c-2' })).toBe('noop')
    })

    test('is the first that did', async () => {
      const [first, second, third] = [await started(), await started(), await started()]
      await sessions.end(first.sid, { sid: second.sid, until })
      expect(await sessions.end(first.sid, { sid: third.sid, until })).toBe(false)
      await sessions.revoke(first.sid, contained)
      expect(await kindOf(second.sid, 1, NOW)).toBe('revoked')
      expect(await kindOf(third.sid, 1, NOW)).toBe('live')
    })
  })
}
