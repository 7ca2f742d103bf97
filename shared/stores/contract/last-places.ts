import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { LastPlace, LastPlaces } from '../port.ts'

const NOW = new Date('2026-03-01T12:00:00.123Z')
const LISBON: LastPlace = { latitude: 38.7, longitude: -9.1, at: NOW, since: NOW, logins: 1 }
const ON_THE_LINE: LastPlace = { ...LISBON, latitude: 0, longitude: -180, at: new Date(NOW.getTime() + 1), logins: 2 }

/** What holds for every store of last places. */
export function lastPlacesContract(places: LastPlaces): void {
  async function read(userId: string): Promise<LastPlace | undefined> {
    let found: LastPlace | undefined
    await places.revise(userId, (before) => {
      found = before
      return undefined
    })
    return found
  }

  describe('a last place', () => {
    test('is undefined at first, and then what was stored, to the millisecond', async () => {
      const userId = randomUUID()
      expect(await read(userId)).toBeUndefined()
      await places.revise(userId, () => LISBON)
      expect(await read(userId)).toEqual(LISBON)
    })

    test('is replaced whole: one for each user, whole degrees too', async () => {
      const userId = randomUUID()
      await places.revise(userId, () => LISBON)
      await places.revise(userId, () => ON_THE_LINE)
      expect(await read(userId)).toEqual(ON_THE_LINE)
      expect(await read(randomUUID())).toBeUndefined()
    })

    test('stays when it is left as it is', async () => {
      const userId = randomUUID()
      await places.revise(userId, () => LISBON)
      await places.revise(userId, () => undefined)
      expect(await read(userId)).toEqual(LISBON)
    })

    test('is judged by the one before it, however many sign in at the same time', async () => {
      const userId = randomUUID()
      const befores: number[] = []
      const signIn = async () => {
        let seen = 0
        await places.revise(userId, (before) => {
          seen = before?.logins ?? 0
          return { ...LISBON, logins: seen + 1 }
        })
        befores.push(seen)
      }
      await Promise.all(Array.from({ length: 8 }, signIn))
      expect(befores.sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
      expect(await read(userId)).toMatchObject({ logins: 8 })
    })

    test('is not touched when revising it fails', async () => {
      const userId = randomUUID()
      await places.revise(userId, () => LISBON)
      const failing = places.revise(userId, () => {
        throw new Error('no map')
      })
      await expect(failing).rejects.toThrow('no map')
      expect(await read(userId)).toEqual(LISBON)
    })
  })
}
