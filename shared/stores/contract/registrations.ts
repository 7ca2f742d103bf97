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
    const [passwordHash, token] = [`hash-${randomUUID()}`, randomUUID()]
    const expiresAt = new Date(at.getTime() + LIFE_MS)
    await registrations.add({ email, passwordHash, tokenHash: link ? token : undefined, expiresAt }, at)
    return { passwordHash, token }
  }

  describe('a registration', () => {
    test('is no user before it is confirmed, and one with its own hash from then on', async () => {
      const [email, id] = [anyone(), randomUUID()]
      const { passwordHash, token } = await asked(email)
      expect(await users.findByEmail(email)).toBeUndefined()
      expect(await registrations.confirm(token, id, NOW)).toEqual({ id, email })
      expect(await users.findById(id)).toEqual({ id, email, passwordHash, epoch: 1 })
    })

    test('is confirmed once, and with it every other of its address is gone, however that is spelled', async () => {
      const email = anyone()
      const other = anyone()
      const [first, second, third, foreign] = [
        await asked(email),
        await asked(email.toUpperCase()),
        await asked(email),
        await asked(other),
      ]
      expect(await registrations.confirm(second.token, randomUUID(), NOW)).toMatchObject({ email: email.toUpperCase() })
      for (const { token } of [first, second, third]) {
        expect(await registrations.confirm(token, randomUUID(), NOW)).toBeUndefined()
      }
      expect(await registrations.confirm(foreign.token, randomUUID(), NOW)).toMatchObject({ email: other })
    })

    test('is confirmed by one of those who press at once', async () => {
      const email = anyone()
      const all = await Promise.all(Array.from({ length: 5 }, () => asked(email)))
      const pressed = await Promise.all(
        [...all, ...all].map(({ token }) => registrations.confirm(token, randomUUID(), NOW)),
      )
      expect(pressed.filter((account) => account !== undefined)).toHaveLength(1)
    })

    test('ends at the instant of its expiry, not before', async () => {
      const [early, late] = [await asked(anyone()), await asked(anyone())]
      expect(await registrations.confirm(early.token, randomUUID(), later(LIFE_MS - 1))).toBeDefined()
      expect(await registrations.confirm(late.token, randomUUID(), later(LIFE_MS))).toBeUndefined()
    })

    test('of an address that has an account by now is void, and the account stays as it is', async () => {
      const [email, id] = [anyone(), randomUUID()]
      const { token } = await asked(email)
      await users.create({ id, email, passwordHash: 'hash-1' }, NOW)
      expect(await registrations.confirm(token, randomUUID(), NOW)).toBeUndefined()
      expect(await users.findByEmail(email)).toMatchObject({ id, passwordHash: 'hash-1' })
    })

    test('without a link can be confirmed by nobody, and many of an address are as one', async () => {
      const email = anyone()
      for (let n = 0; n < 3; n++) await asked(email, { link: false })
      for (const token of ['', 'unsent:', email]) {
        expect(await registrations.confirm(token, randomUUID(), NOW)).toBeUndefined()
      }
    })

    test('is purged once it has expired, so many at a time', async () => {
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
      expect(await registrations.confirm(kept.token, randomUUID(), NOW)).toBeDefined()
    })
  })
}
