import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Users } from '../port.ts'

const NOW = new Date('2026-03-01T12:00:00Z')
const STEP = 59_080_320

/** What holds for every store of users. Each test makes a user of its own. */
export function usersContract(users: Users): void {
  async function registered() {
    const user = { id: randomUUID(), email: `${randomUUID()}@example.com`, passwordHash: 'hash-1' }
    expect(await users.create(user, NOW)).toBe('created')
    return user
  }
  async function withTotp() {
    const user = await registered()
    await users.offerTotp(user.id, 'secret', NOW)
    await users.enableTotp(user.id, { secret: 'secret', step: STEP, epoch: 1 }, NOW)
    return user
  }
  const everyChange = (id: string) => [
    users.bumpEpoch(id, { reason: 'contained' }, NOW),
    users.changePassword(id, { hash: 'hash-1', epoch: 1 }, 'hash-2', NOW),
    users.offerTotp(id, 'secret', NOW),
    users.enableTotp(id, { secret: 'secret', step: STEP, epoch: 1 }, NOW),
    users.disableTotp(id, 1, NOW),
    users.acceptTotpStep(id, STEP),
  ]

  describe('a user', () => {
    test('is found by address and by id, as created', async () => {
      const user = await registered()
      const expected = { ...user, epoch: 1, createdAt: NOW, deviceTokens: false }
      expect(await users.findByEmail(user.email)).toEqual(expected)
      expect(await users.findById(user.id)).toEqual(expected)
      expect(await users.readEpoch(user.id)).toBe(1)
    })

    test('may have issued device tokens once that was expected, and no other user may', async () => {
      const [user, other] = [await registered(), await registered()]
      for (let times = 0; times < 2; times++) await users.expectDeviceTokens(user.id)
      expect(await users.findById(user.id)).toMatchObject({ deviceTokens: true })
      expect(await users.findByEmail(user.email)).toMatchObject({ deviceTokens: true })
      expect(await users.findById(other.id)).toMatchObject({ deviceTokens: false })
    })

    test('is the only one of an address, however it is spelled, and is not changed by a second registration', async () => {
      const user = await registered()
      const second = { id: randomUUID(), email: user.email.toUpperCase(), passwordHash: 'hash-2' }
      expect(await users.create(second, NOW)).toBe('existing')
      expect(await users.findByEmail(second.email)).toMatchObject({ id: user.id, passwordHash: 'hash-1' })
      expect(await users.findById(second.id)).toBeUndefined()
    })

    test('is created once by parallel registrations', async () => {
      const email = `${randomUUID()}@example.com`
      const create = () => users.create({ id: randomUUID(), email, passwordHash: 'hash-1' }, NOW)
      const results = await Promise.all(Array.from({ length: 10 }, create))
      expect(results.filter((result) => result === 'created')).toHaveLength(1)
    })

    test.each([randomUUID(), 'not-a-uuid', ''])('that does not exist (%s) is neither found nor changed', async (id) => {
      expect(await users.findById(id)).toBeUndefined()
      expect(await users.readEpoch(id)).toBeUndefined()
      expect(await Promise.all(everyChange(id))).toEqual([undefined, undefined, false, undefined, undefined, false])
      await users.rehash(id, 'hash-1', 'hash-2')
      await users.expectDeviceTokens(id)
    })
  })

  describe('the epoch', () => {
    test('rises by one for each revocation, also in parallel', async () => {
      const { id } = await registered()
      const epochs = await Promise.all(
        Array.from({ length: 10 }, () => users.bumpEpoch(id, { reason: 'contained' }, NOW)),
      )
      expect(epochs.sort((a, b) => Number(a) - Number(b))).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
      expect(await users.readEpoch(id)).toBe(11)
    })

    test('rises with the password, for exactly one of parallel changes', async () => {
      const { id } = await registered()
      const change = (to: string) => users.changePassword(id, { hash: 'hash-1', epoch: 1 }, to, NOW)
      const results = await Promise.all(['hash-2', 'hash-3', 'hash-4'].map(change))
      expect(results.filter((epoch) => epoch !== undefined)).toEqual([2])
      expect(await users.findById(id)).toMatchObject({ epoch: 2, passwordHash: expect.not.stringContaining('hash-1') })
    })

    test('that has moved keeps the password as it is', async () => {
      const { id } = await registered()
      await users.bumpEpoch(id, { reason: 'contained' }, NOW)
      expect(await users.changePassword(id, { hash: 'hash-1', epoch: 1 }, 'hash-2', NOW)).toBeUndefined()
      expect(await users.findById(id)).toMatchObject({ epoch: 2, passwordHash: 'hash-1' })
    })

    test('is listed with its reason when it moved lately, latest first, page by page', async () => {
      // Far from what other tests do: the list is of all users.
      const later = (minutes: number) => new Date(Date.UTC(2100, 0, 1, 0, minutes))
      const [first, second, third] = [await registered(), await registered(), await registered()]
      await users.bumpEpoch(first.id, { reason: 'contained', containmentId: 'c-1' }, later(1))
      await users.changePassword(second.id, { hash: 'hash-1', epoch: 1 }, 'hash-2', later(2))
      await users.offerTotp(third.id, 'secret', NOW)
      await users.enableTotp(third.id, { secret: 'secret', step: STEP, epoch: 1 }, later(3))
      const page = await users.listRevoked(later(1), 2)
      expect(page).toEqual([
        { id: third.id, epoch: 2, reason: 'factor_changed', at: later(3).getTime() },
        { id: second.id, epoch: 2, reason: 'password_changed', at: later(2).getTime() },
      ])
      expect(await users.listRevoked(later(1), 2, page[1])).toEqual([
        { id: first.id, epoch: 2, reason: 'contained', at: later(1).getTime(), containmentId: 'c-1' },
      ])
      expect(await users.listRevoked(later(4), 2)).toEqual([])
    })

    test('rises once for a containment, however often it is carried out, and says the same each time', async () => {
      const { id } = await registered()
      const contain = (containmentId: string) => users.bumpEpoch(id, { reason: 'contained', containmentId }, NOW)
      const parallel = await Promise.all(['c-1', 'c-1', 'c-1', 'c-2', 'c-2'].map(contain))
      expect(new Set(parallel)).toEqual(new Set([2, 3]))
      expect(await users.bumpEpoch(id, { reason: 'contained' }, NOW)).toBe(4)
      expect(await contain('c-1')).toBe(parallel[0])
      expect(await contain('c-2')).toBe(parallel[3])
      expect(await users.readEpoch(id)).toBe(4)
      const other = await registered()
      expect(await users.bumpEpoch(other.id, { reason: 'contained', containmentId: 'c-1' }, NOW)).toBe(2)
    })

    test('that a containment raised is listed with its cut-off, and with the change before it that spared nothing', async () => {
      // Far from what other tests do: the list is of all users.
      const later = (minutes: number) => new Date(Date.UTC(2101, 0, 1, 0, minutes))
      const at = (minutes: number) => later(minutes).getTime()
      const { id } = await registered()
      const contain = (containmentId: string, openedBefore: number, minutes: number) =>
        users.bumpEpoch(id, { reason: 'contained', containmentId, openedBefore }, later(minutes))
      await users.changePassword(id, { hash: 'hash-1', epoch: 1 }, 'hash-2', later(1))
      const earlier = { epoch: 2, reason: 'password_changed', at: at(1) }
      expect(await contain('c-1', at(2), 4)).toBe(3)
      const contained = { id, reason: 'contained', openedBefore: at(2), earlier }
      expect(await users.listRevoked(later(0), 1)).toEqual([
        { ...contained, epoch: 3, containmentId: 'c-1', at: at(4) },
      ])
      expect(await contain('c-2', at(0), 5)).toBe(4)
      expect(await users.listRevoked(later(0), 1)).toEqual([
        { ...contained, epoch: 4, containmentId: 'c-2', at: at(5) },
      ])
      await users.changePassword(id, { hash: 'hash-2', epoch: 4 }, 'hash-3', later(6))
      expect(await users.listRevoked(later(0), 1)).toEqual([{ id, epoch: 5, reason: 'password_changed', at: at(6) }])
    })

    test('stays when the same password is hashed anew', async () => {
      const { id } = await registered()
      await users.rehash(id, 'hash-1', 'hash-1b')
      expect(await users.findById(id)).toMatchObject({ epoch: 1, passwordHash: 'hash-1b' })
    })

    test('and the hash stay when the hash that was verified has moved', async () => {
      const { id } = await registered()
      expect(await users.changePassword(id, { hash: 'hash-0', epoch: 1 }, 'hash-2', NOW)).toBeUndefined()
      await users.rehash(id, 'hash-0', 'hash-2')
      expect(await users.findById(id)).toMatchObject({ epoch: 1, passwordHash: 'hash-1' })
    })
  })

  describe('the audit', () => {
    test('ends by age, oldest first and no more than asked for', async () => {
      const long = (hours: number) => new Date(Date.UTC(2001, 0, 1, hours))
      const user = { id: randomUUID(), email: `${randomUUID()}@example.com`, passwordHash: 'hash-1' }
      await users.create(user, long(1))
      await users.bumpEpoch(user.id, { reason: 'contained' }, long(2))
      await users.bumpEpoch(user.id, { reason: 'contained' }, long(3))
      expect(await users.purgeAudit(long(3), 1)).toBe(1)
      expect(await users.purgeAudit(long(3), 10)).toBe(1)
      expect(await users.purgeAudit(long(3), 10)).toBe(0)
      expect(await users.readEpoch(user.id)).toBe(3)
    })
  })

  describe('a TOTP secret', () => {
    test('is not enabled before it is confirmed, and the latest offer counts', async () => {
      const { id } = await registered()
      expect(await users.offerTotp(id, 'first', NOW)).toBe(true)
      expect(await users.offerTotp(id, 'second', NOW)).toBe(true)
      expect(await users.findById(id)).toMatchObject({ totp: { secret: 'second', enabled: false } })
      expect(await users.acceptTotpStep(id, STEP)).toBe(false)
      expect(await users.enableTotp(id, { secret: 'first', step: STEP, epoch: 1 }, NOW)).toBeUndefined()
      expect(await users.enableTotp(id, { secret: 'second', step: STEP, epoch: 2 }, NOW)).toBeUndefined()
      expect(await users.enableTotp(id, { secret: 'second', step: STEP, epoch: 1 }, NOW)).toBe(2)
      expect((await users.findById(id))?.totp).toEqual({ secret: 'second', enabled: true, lastStep: STEP })
    })

    test('is enabled without ending the other sessions where they are spared', async () => {
      const { id } = await registered()
      await users.offerTotp(id, 'secret', NOW)
      const totp = { secret: 'secret', step: STEP, epoch: 1, spareOthers: true }
      expect(await users.enableTotp(id, { ...totp, epoch: 2 }, NOW)).toBeUndefined()
      expect(await users.enableTotp(id, totp, NOW)).toBe(1)
      expect(await users.findById(id)).toMatchObject({ epoch: 1, totp: { enabled: true } })
    })

    test('that is doubtful goes with a change of the password that says so, and no other', async () => {
      const [{ id }, other] = [await registered(), await withTotp()]
      await users.offerTotp(id, 'secret', NOW)
      await users.enableTotp(id, { secret: 'secret', step: STEP, epoch: 1, spareOthers: true }, NOW)
      expect((await users.findById(id))?.totp).toMatchObject({ doubtfulSince: NOW.getTime() })
      expect(await users.changePassword(id, { hash: 'hash-1', epoch: 1, dropTotp: true }, 'hash-2', NOW)).toBe(2)
      expect((await users.findById(id))?.totp).toBeUndefined()
      const from = { hash: 'hash-1', epoch: 2, dropTotp: true }
      expect(await users.changePassword(other.id, from, 'hash-2', NOW)).toBeUndefined()
    })

    test('that is enabled is neither replaced nor enabled again', async () => {
      const { id } = await withTotp()
      expect(await users.offerTotp(id, 'other', NOW)).toBe(false)
      expect(await users.enableTotp(id, { secret: 'secret', step: STEP + 1, epoch: 2 }, NOW)).toBeUndefined()
      expect((await users.findById(id))?.totp).toEqual({ secret: 'secret', enabled: true, lastStep: STEP })
    })

    test('is enabled by one of parallel confirmations', async () => {
      const { id } = await registered()
      await users.offerTotp(id, 'secret', NOW)
      const enable = () => users.enableTotp(id, { secret: 'secret', step: STEP, epoch: 1 }, NOW)
      const results = await Promise.all(Array.from({ length: 5 }, enable))
      expect(results.filter(Boolean)).toHaveLength(1)
    })

    test('is not disabled in an epoch that is over', async () => {
      const { id } = await withTotp()
      await users.bumpEpoch(id, { reason: 'contained' }, NOW)
      expect(await users.disableTotp(id, 2, NOW)).toBeUndefined()
      expect(await users.disableTotp(id, 3, NOW)).toBe(4)
    })

    test('is gone once disabled, and can be disabled once', async () => {
      const { id } = await withTotp()
      const results = await Promise.all([users.disableTotp(id, 2, NOW), users.disableTotp(id, 2, NOW)])
      expect(results.filter(Boolean)).toHaveLength(1)
      expect((await users.findById(id))?.totp).toBeUndefined()
      expect(await users.offerTotp(id, 'new', NOW)).toBe(true)
    })

    test('that was only offered cannot be disabled', async () => {
      const { id } = await registered()
      await users.offerTotp(id, 'secret', NOW)
      expect(await users.disableTotp(id, 1, NOW)).toBeUndefined()
    })
  })

  describe('the changes of an account', () => {
    const by = { device: 'firefox on linux', ip: '203.0.113.7' }
    const at = (minutes: number) => new Date(NOW.getTime() + minutes * 60_000)

    test('are listed newest first, with the device that made them, and an offered factor is none', async () => {
      const { id } = await registered()
      await registered()
      await users.offerTotp(id, 'secret', at(1))
      await users.enableTotp(id, { secret: 'secret', step: STEP, epoch: 1 }, at(2), by)
      await users.disableTotp(id, 2, at(3), by)
      await users.changePassword(id, { hash: 'hash-1', epoch: 3 }, 'hash-2', at(4), by)
      await users.bumpEpoch(id, { reason: 'contained', containmentId: `c-${id}` }, at(5))
      expect(await users.endSessions(id, 5, at(6), by)).toBe(6)
      const all = [
        { at: at(6), action: 'sessions_ended', by },
        { at: at(5), action: 'sessions_revoked', containmentId: `c-${id}` },
        { at: at(4), action: 'password_changed', by },
        { at: at(3), action: 'totp_disabled', by },
        { at: at(2), action: 'totp_enabled', by },
        { at: NOW, action: 'registered' },
      ]
      expect(await users.listChanges(id, NOW, 10)).toEqual(all)
      expect(await users.listChanges(id, at(3), 2)).toEqual(all.slice(0, 2))
      expect(await users.listChanges(id, at(5), 10)).toEqual(all.slice(0, 2))
      expect(await users.listChanges('not-a-uuid', NOW, 10)).toEqual([])
    })

    test('ending the other sessions raises the epoch once for an asking session, with its reason', async () => {
      const { id } = await registered()
      // Later than what other tests do to other users of a store that they share.
      const when = new Date(Date.UTC(2099, 0, 1))
      const results = await Promise.all([1, 2, 3].map(() => users.endSessions(id, 1, when)))
      expect(results.filter(Boolean)).toEqual([2])
      const revoked = await users.listRevoked(when, 100)
      expect(revoked.find((user) => user.id === id)).toMatchObject({ epoch: 2, reason: 'ended_elsewhere' })
      expect(await users.endSessions(randomUUID(), 1, NOW)).toBeUndefined()
    })
  })

  describe('a time step', () => {
    test('is accepted once, also in parallel', async () => {
      const { id } = await withTotp()
      const results = await Promise.all(Array.from({ length: 20 }, () => users.acceptTotpStep(id, STEP + 1)))
      expect(results.filter(Boolean)).toHaveLength(1)
      expect((await users.findById(id))?.totp?.lastStep).toBe(STEP + 1)
    })

    test('must be above the last one, which the confirmation set', async () => {
      const { id } = await withTotp()
      expect(await users.acceptTotpStep(id, STEP)).toBe(false)
      expect(await users.acceptTotpStep(id, STEP + 2)).toBe(true)
      expect(await users.acceptTotpStep(id, STEP + 1)).toBe(false)
    })

    test('is acceptable once more after its release, and no step before it is', async () => {
      const { id } = await withTotp()
      await users.acceptTotpStep(id, STEP + 2)
      for (const step of [STEP + 1, STEP + 2, STEP + 2]) await users.releaseTotpStep(id, step)
      expect(await users.acceptTotpStep(id, STEP + 1)).toBe(false)
      expect(await users.acceptTotpStep(id, STEP + 2)).toBe(true)
      expect(await users.acceptTotpStep(id, STEP + 2)).toBe(false)
    })
  })
}
