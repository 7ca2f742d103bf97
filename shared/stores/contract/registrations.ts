import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Registrations, Users } from '../port.ts'

const NOW = new Date('2026-03-01T12:00:00Z')
const later = (ms: number) => new Date(NOW.getTime() + ms)
const LIFE_MS = 1000

/** What holds for every store of registrations, beside the users of the same store. */
export function registrationsContract(registrations: Registrations, users: Users): void {
  const anyone = () => `${randomUUID()}@example.com`
  const asked = async (email: string, { link = true, at = NOW }: { link?: boolean; at?: Date } = {}) => {
    const [passwordHash, token, registrationHash] = [`hash-${randomUUID()}`, randomUUID(), randomUUID()]
    const expiresAt = new Date(at.getTime() + LIFE_MS)
    const tokenHash = link ? token : undefined
    await registrations.add({ email, passwordHash, tokenHash, registrationHash, expiresAt }, at)
    return { passwordHash, token, registrationHash }
  }
  const confirmed = (asked: { token: string; registrationHash: string }, at = NOW, id: string = randomUUID()) => {
    const { token, registrationHash } = asked
    return registrations.confirm(token, { registrationHash }, id, at)
  }

  describe('a registration', () => {
    test('is no user before it is confirmed; from then on there is a user with its password hash', async () => {
      const [email, id] = [anyone(), randomUUID()]
      const registration = await asked(email)
      const { passwordHash } = registration
      expect(await users.findByEmail(email)).toBeUndefined()
      expect(await confirmed(registration, NOW, id)).toEqual({ id, email })
      expect(await users.findById(id)).toEqual({
        id,
        email,
        passwordHash,
        epoch: 1,
        createdAt: NOW,
        deviceTokens: false,
      })
    })

    test('is confirmed once, which removes every other one of its address, in any spelling', async () => {
      const email = anyone()
      const other = anyone()
      const [first, second, third, foreign] = [
        await asked(email),
        await asked(email.toUpperCase()),
        await asked(email),
        await asked(other),
      ]
      expect(await confirmed(second)).toMatchObject({ email: email.toUpperCase() })
      for (const registration of [first, second, third]) expect(await confirmed(registration)).toBeUndefined()
      expect(await confirmed(foreign)).toMatchObject({ email: other })
    })

    test('is confirmed once when several requests confirm it at the same time', async () => {
      const email = anyone()
      const all = await Promise.all(Array.from({ length: 5 }, () => asked(email)))
      const pressed = await Promise.all([...all, ...all].map((registration) => confirmed(registration)))
      expect(pressed.filter((account) => account !== undefined)).toHaveLength(1)
    })

    test('ends at the instant of its expiry, not before', async () => {
      const [early, late] = [await asked(anyone()), await asked(anyone())]
      expect(await confirmed(early, later(LIFE_MS - 1))).toBeDefined()
      expect(await confirmed(late, later(LIFE_MS))).toBeUndefined()
    })

    test('is confirmed by its own answer or its own password alone: what belongs to another one changes nothing', async () => {
      const email = anyone()
      const [own, foreign] = [await asked(email), await asked(email)]
      for (const proof of [
        { registrationHash: own.registrationHash },
        { passwordHash: own.passwordHash },
        { registrationHash: foreign.passwordHash },
        { registrationHash: '' },
      ]) {
        expect(await registrations.confirm(foreign.token, proof, randomUUID(), NOW)).toBeUndefined()
      }
      const { passwordHash } = own
      expect(await registrations.confirm(own.token, { passwordHash }, randomUUID(), NOW)).toMatchObject({ email })
      expect(await users.findByEmail(email)).toMatchObject({ passwordHash })
    })

    test('limits the tries of its password, also for concurrent tries, until it expires', async () => {
      const { token, passwordHash } = await asked(anyone())
      const at = (ms: number) => registrations.tryPassword(token, 3, later(ms))
      expect(await at(LIFE_MS)).toBeUndefined()
      const tries = await Promise.all(Array.from({ length: 5 }, () => at(LIFE_MS - 1)))
      expect(tries.filter((hash) => hash === passwordHash)).toHaveLength(3)
      expect(tries.filter((hash) => hash === undefined)).toHaveLength(2)
      await registrations.releaseTry(token)
      expect([await at(0), await at(0)]).toEqual([passwordHash, undefined])
    })

    test('of an address that has an account by now is void, and the account stays as it is', async () => {
      const [email, id] = [anyone(), randomUUID()]
      const registration = await asked(email)
      await users.create({ id, email, passwordHash: 'hash-1' }, NOW)
      expect(await confirmed(registration)).toBeUndefined()
      expect(await users.findByEmail(email)).toMatchObject({ id, passwordHash: 'hash-1' })
    })

    test('without a link cannot be confirmed, and an address has one such row at most', async () => {
      const email = anyone()
      let last = await asked(email, { link: false })
      for (let n = 0; n < 2; n++) last = await asked(email, { link: false })
      for (const token of ['', 'unsent:', email]) {
        expect(await confirmed({ ...last, token })).toBeUndefined()
        expect(await registrations.tryPassword(token, 5, NOW)).toBeUndefined()
      }
    })

    test('is purged in batches once it has expired', async () => {
      const at = new Date('2020-01-01T00:00:00Z')
      const end = new Date(at.getTime() + LIFE_MS)
      const kept = await asked(anyone())
      const email = anyone()
      for (let n = 0; n < 3; n++) await asked(email, { at })
      for (let n = 0; n < 3; n++) await asked(email, { at, link: false })
      expect(await registrations.purge(new Date(end.getTime() - 1), 10)).toBe(0)
      expect(await registrations.purge(end, 3)).toBe(3)
      expect(await registrations.purge(end, 3)).toBe(1)
      expect(await registrations.purge(end, 3)).toBe(0)
      expect(await confirmed(kept)).toBeDefined()
    })
  })
}
