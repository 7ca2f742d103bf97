import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Attempt, Attempts } from '../port.ts'

const NOW = Date.parse('2026-03-01T12:00:00Z')
const HOUR_MS = 3_600_000
const MOST = 5

/** What holds for every memory of attempts. Each test uses passwords and logins of its own. */
export function attemptsContract(attempts: Attempts): void {
  const fresh = (change: Partial<Attempt> = {}): Attempt => ({
    password: randomUUID(),
    login: randomUUID(),
    origins: [],
    outcome: 'failed',
    ...change,
  })
  const note = (attempt: Attempt, now = NOW) => attempts.note(attempt, HOUR_MS, MOST, now)
  const logins = async (attempt: Attempt, now = NOW) => (await note(attempt, now)).logins
  const failures = async (attempt: Attempt, now = NOW) => (await note(attempt, now)).failures

  describe('a password', () => {
    test('is counted by the different logins it was tried at, this one included', async () => {
      const { password } = fresh()
      expect(await logins(fresh({ password, login: 'a' }))).toBe(1)
      expect(await logins(fresh({ password, login: 'b' }))).toBe(2)
      expect(await logins(fresh({ password, login: 'a' }))).toBe(2)
      expect(await logins(fresh({ password, login: 'c' }))).toBe(3)
      expect(await logins(fresh({ login: 'a' }))).toBe(1)
    })

    test('is counted to the most that was asked for, also in parallel, and no further', async () => {
      const { password } = fresh()
      const counts = await Promise.all(Array.from({ length: 20 }, () => logins(fresh({ password }))))
      expect(counts.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, ...Array(16).fill(MOST)])
    })

    test.each(['refused', 'right'] as const)(
      'leaves nothing when it was %s and nobody had failed with it',
      async (outcome) => {
        const { password } = fresh()
        expect(await logins(fresh({ password, outcome }))).toBe(0)
        expect(await logins(fresh({ password }))).toBe(1)
      },
    )

    test.each(['refused', 'right'] as const)('that somebody failed with is counted when it is %s', async (outcome) => {
      const { password } = fresh()
      await note(fresh({ password }))
      expect(await logins(fresh({ password, outcome }))).toBe(2)
      expect(await logins(fresh({ password, outcome }))).toBe(3)
    })

    test('is forgotten of a login at the very instant its hour is over', async () => {
      const { password } = fresh()
      await note(fresh({ password, login: 'a' }), NOW)
      await note(fresh({ password, login: 'b' }), NOW + 1000)
      expect(await logins(fresh({ password, login: 'b', outcome: 'refused' }), NOW + HOUR_MS - 1)).toBe(2)
      expect(await logins(fresh({ password, login: 'b', outcome: 'refused' }), NOW + HOUR_MS)).toBe(1)
      expect(await logins(fresh({ password, outcome: 'refused' }), NOW + 2 * HOUR_MS)).toBe(0)
    })

    test('stays counted while it is tried, by the newest logins', async () => {
      const { password } = fresh()
      const minute = 60_000
      for (let n = 0; n < 12; n++) await note(fresh({ password }), NOW + n * 10 * minute)
      expect(await logins(fresh({ password, outcome: 'refused' }), NOW + 115 * minute)).toBe(MOST)
      expect(await logins(fresh({ password, outcome: 'refused' }), NOW + 155 * minute)).toBe(4)
    })

    test('is not moved back by a host whose clock is behind', async () => {
      const { password } = fresh()
      await note(fresh({ password, login: 'a' }), NOW)
      await note(fresh({ password, login: 'a' }), NOW - 60_000)
      expect(await logins(fresh({ password, login: 'a', outcome: 'refused' }), NOW + HOUR_MS - 1)).toBe(1)
    })
  })

  describe('failures of a login', () => {
    test('are those from the origin that has most of them', async () => {
      const login = randomUUID()
      expect(await failures(fresh({ login, origins: ['home', 'phone'] }))).toBe(1)
      expect(await failures(fresh({ login, origins: ['work', 'phone'] }))).toBe(2)
      expect(await failures(fresh({ login, origins: ['work', 'laptop'] }))).toBe(2)
      expect(await failures(fresh({ login, origins: ['home', 'laptop'] }))).toBe(2)
      expect(await failures(fresh({ login, origins: ['beach', 'laptop'] }))).toBe(3)
    })

    test('are returned at the right password, which adds no attempt', async () => {
      const login = randomUUID()
      for (let n = 0; n < 3; n++) await note(fresh({ login, origins: ['home'] }))
      for (let n = 0; n < 2; n++) expect(await failures(fresh({ login, origins: ['home'], outcome: 'right' }))).toBe(3)
      expect(await failures(fresh({ login, origins: ['home'], outcome: 'refused' }))).toBe(3)
      expect(await failures(fresh({ login, origins: ['elsewhere'], outcome: 'right' }))).toBe(0)
      expect(await failures(fresh({ origins: ['home'], outcome: 'right' }))).toBe(0)
    })

    test('are forgotten one by one, each at the very instant its hour is over', async () => {
      const login = randomUUID()
      const failuresAt = (now: number) => failures(fresh({ login, origins: ['home'], outcome: 'right' }), now)
      for (let n = 0; n < 3; n++) await note(fresh({ login, origins: ['home'] }), NOW + n * 1000)
      expect(await failuresAt(NOW + HOUR_MS - 1)).toBe(3)
      expect(await failuresAt(NOW + HOUR_MS)).toBe(2)
      expect(await failuresAt(NOW + HOUR_MS + 2000)).toBe(0)
    })

    test('are counted to the most that was asked for, the newest of them', async () => {
      const login = randomUUID()
      for (let n = 0; n < 20; n++) await note(fresh({ login, origins: ['home'] }), NOW + n)
      const failuresAt = (now: number) => failures(fresh({ login, origins: ['home'], outcome: 'right' }), now)
      expect(await failuresAt(NOW + 20)).toBe(MOST)
      expect(await failuresAt(NOW + HOUR_MS + 15)).toBe(4)
    })
  })
}
