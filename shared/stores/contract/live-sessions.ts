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

const contained: Tombstone = { reason: 'contained', at: NOW, containmentId: 'c-1' }

/** What holds for every store of live sessions. Each test uses a sid of its own. */
export function liveSessionsContract(sessions: LiveSessions): void {
  async function started(over: Partial<NewSession> = {}) {
    const session: NewSession = {
      sid: randomBytes(16).toString('base64url'),
      userId: randomUUID(),
      deviceHash: 'd'.repeat(32),
      amr: ['pwd', 'otp'],
      authTime: NOW,
      absoluteExpiry: NOW + ABSOLUTE_MS,
      ...over,
    }
    await sessions.create(session, NOW)
    return session
  }
  const kindOf = async (sid: string, gen: number, now: number) => (await sessions.present(sid, gen, now)).kind
  /** Offers gen 2 and presents it: gen 1 is retired at the time returned. */
  async function renewed(sid: string): Promise<number> {
    const at = NOW + RENEW_MS
    await sessions.renew(sid, 1, at)
    await sessions.present(sid, 2, at)
    return at
  }

  describe('a session that is live', () => {
    test.each([{}, { risk: ['after_failures', 'spray'] as const }])('is read as it was created: %j', async (over) => {
      const session = await started(over)
      const expected = { ...session, gen: 1, createdAt: NOW, lastSeenAt: NOW }
      expect(await sessions.read(session.sid, NOW)).toEqual(expected)
      expect(await sessions.present(session.sid, 1, NOW)).toEqual({
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
      await sessions.present(sid, 1, later)
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
      await sessions.present(sid, 1, NOW + 1000)
      await sessions.present(sid, 1, NOW + 400)
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
      expect(await sessions.present(sid, 1, NOW)).toEqual({ kind: 'absent' })
      expect(await sessions.tombstone(sid)).toBeUndefined()
    })
  })

  describe('renewal', () => {
    test('is due once the gen was in use for the whole interval', async () => {
      const { sid } = await started()
      expect(await sessions.present(sid, 1, NOW + RENEW_MS - 1)).toMatchObject({ renewalDue: false })
      expect(await sessions.present(sid, 1, NOW + RENEW_MS)).toMatchObject({ renewalDue: true })
    })

    test('before it is due names the current gen', async () => {
      const { sid } = await started()
      expect(await sessions.renew(sid, 1, NOW + RENEW_MS - 1)).toMatchObject({ kind: 'early', gen: 1 })
      expect(await sessions.renew(sid, 1, NOW + RENEW_MS)).toMatchObject({
        kind: 'offered',
        gen: 2,
        session: { sid, gen: 1 },
      })
    })

    test('asked for in parallel offers one successor', async () => {
      const { sid } = await started()
      const asked = Array.from({ length: 20 }, () => sessions.renew(sid, 1, NOW + RENEW_MS))
      const gens = (await Promise.all(asked)).map((renewal) => 'gen' in renewal && renewal.gen)
      expect(new Set(gens)).toEqual(new Set([2]))
    })

    test('repeats an offer for as long as it stands, then offers a new number', async () => {
      const { sid } = await started()
      const offered = NOW + RENEW_MS
      await sessions.renew(sid, 1, offered)
      expect(await sessions.renew(sid, 1, offered + GRACE_MS)).toMatchObject({ kind: 'offered', gen: 2 })
      expect(await sessions.renew(sid, 1, offered + GRACE_MS + 1)).toMatchObject({ kind: 'offered', gen: 3 })
      expect(await sessions.present(sid, 3, offered + GRACE_MS + 2)).toMatchObject({
        kind: 'live',
        session: { gen: 3 },
      })
    })

    test('retires a gen only when its successor is presented', async () => {
      const { sid } = await started()
      const offered = NOW + RENEW_MS
      await sessions.renew(sid, 1, offered)
      expect(await sessions.present(sid, 1, offered + 600_000)).toMatchObject({ kind: 'live', renewalDue: true })
      expect(await sessions.present(sid, 2, offered + 600_001)).toMatchObject({
        kind: 'live',
        session: { gen: 2 },
        renewalDue: false,
      })
    })

    test('counts the use of a gen from its first presentation, not from its latest', async () => {
      const { sid } = await started()
      const first = await renewed(sid)
      expect(await sessions.present(sid, 2, first + GRACE_MS)).toMatchObject({ renewalDue: false })
      expect(await sessions.present(sid, 2, first + RENEW_MS)).toMatchObject({ renewalDue: true })
    })

    test('gives nothing to whoever holds a retired gen', async () => {
      const { sid } = await started()
      const retired = await renewed(sid)
      expect(await sessions.renew(sid, 1, retired + 1)).toEqual({ kind: 'stale' })
    })

    test('gives nothing to whoever holds an offer that was not presented', async () => {
      const { sid } = await started()
      await sessions.renew(sid, 1, NOW + RENEW_MS)
      expect(await sessions.renew(sid, 2, NOW + RENEW_MS)).toEqual({ kind: 'stale' })
    })

    test('neither makes a session nor keeps one alive', async () => {
      expect(await sessions.renew('unknown', 1, NOW)).toEqual({ kind: 'absent' })
      const { sid } = await started()
      await sessions.renew(sid, 1, NOW + IDLE_MS - 1)
      expect(await sessions.renew(sid, 1, NOW + IDLE_MS)).toEqual({ kind: 'absent' })
      expect(await kindOf(sid, 1, NOW + IDLE_MS)).toBe('absent')
    })

    test('numbers go on rising', async () => {
      const { sid } = await started()
      const first = await renewed(sid)
      expect(await sessions.renew(sid, 2, first + RENEW_MS - 1)).toMatchObject({ kind: 'early', gen: 2 })
      expect(await sessions.renew(sid, 2, first + RENEW_MS)).toMatchObject({ kind: 'offered', gen: 3 })
    })
  })

  describe('a fork', () => {
    test('is a retired gen presented after its grace', async () => {
      const { sid } = await started()
      const retired = await renewed(sid)
      expect(await sessions.present(sid, 1, retired + GRACE_MS)).toMatchObject({ kind: 'live', renewalDue: false })
      expect(await sessions.present(sid, 1, retired + GRACE_MS + 1)).toMatchObject({ kind: 'fork', session: { sid } })
    })

    test('is not put off by the use of the successor', async () => {
      const { sid } = await started()
      const retired = await renewed(sid)
      await sessions.present(sid, 2, retired + GRACE_MS)
      expect(await kindOf(sid, 1, retired + GRACE_MS + 1)).toBe('fork')
    })

    test('is a withdrawn offer presented after its grace', async () => {
      const { sid } = await started()
      const withdrawn = NOW + RENEW_MS + GRACE_MS + 1
      await sessions.renew(sid, 1, NOW + RENEW_MS)
      await sessions.renew(sid, 1, withdrawn)
      expect(await sessions.present(sid, 2, withdrawn + GRACE_MS)).toMatchObject({ kind: 'live', session: { gen: 1 } })
      expect(await kindOf(sid, 2, withdrawn + GRACE_MS + 1)).toBe('fork')
    })

    test.each([0, 2, 99])('is gen %i, which was never offered', async (gen) => {
      const { sid } = await started()
      expect(await kindOf(sid, gen, NOW)).toBe('fork')
    })

    test('signs both holders out at once, and says why', async () => {
      const { sid } = await started()
      const forkedAt = (await renewed(sid)) + GRACE_MS + 1
      await sessions.present(sid, 1, forkedAt)
      const tombstone = { reason: 'forked', at: forkedAt }
      expect(await sessions.present(sid, 2, forkedAt)).toEqual({ kind: 'revoked', tombstone })
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
      await sessions.present(sid, 99, NOW)
      expect(await sessions.revoke(sid, contained)).toBe('noop')
      expect(await sessions.tombstone(sid)).toEqual({ reason: 'forked', at: NOW })
    })
  })

  describe('a revoked session', () => {
    test('dies once, and tells what revoked it', async () => {
      const { sid } = await started()
      const results = await Promise.all(Array.from({ length: 5 }, () => sessions.revoke(sid, contained)))
      expect(results.filter((result) => result === 'success')).toHaveLength(1)
      expect(await sessions.present(sid, 1, NOW)).toEqual({ kind: 'revoked', tombstone: contained })
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
      await Promise.all([sessions.present(session.sid, 1, NOW), sessions.renew(session.sid, 1, NOW + RENEW_MS)])
      await sessions.create(session, NOW)
      expect(await sessions.read(session.sid, NOW)).toBeUndefined()
      expect(await kindOf(session.sid, 1, NOW)).toBe('revoked')
    })

    test('stays dead while it is presented and renewed in the same moment', async () => {
      const { sid } = await started()
      const use = Array.from({ length: 20 }, () => [
        sessions.present(sid, 1, NOW),
        sessions.renew(sid, 1, NOW + RENEW_MS),
      ])
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

    test('takes no other with it', async () => {
      const [one, other] = [await started(), await started()]
      await sessions.revoke(one.sid, contained)
      expect(await kindOf(other.sid, 1, NOW)).toBe('live')
    })
  })
}
