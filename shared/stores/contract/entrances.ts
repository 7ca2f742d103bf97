import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { ENTRANCE_WINDOW_MS, type Entrance, type Entrances } from '../port.ts'

const NOW = Date.now()

export function entrancesContract(entrances: Entrances): void {
  const network = () => `2001:db8:1:2::/64 ${randomUUID()}`
  const entrance = (odd = false): Entrance => ({ sid: randomUUID(), userId: randomUUID(), odd })

  describe('entrances of a network', () => {
    test('are suspect from its first failure on, whoever opened them', async () => {
      const [here, elsewhere] = [network(), network()]
      const [before, at, after, other] = [entrance(), entrance(), entrance(), entrance()]
      await entrances.opened(here, before, NOW - 1)
      await entrances.failed(here, NOW)
      await entrances.opened(here, at, NOW)
      await entrances.failed(here, NOW + 5)
      await entrances.opened(here, after, NOW + 1)
      await entrances.opened(elsewhere, other, NOW + 1)
      expect(await entrances.suspects(here, NOW + 10)).toEqual([at, after])
      expect(await entrances.suspects(elsewhere, NOW + 10)).toEqual([])
    })

    test('are suspect without any failure when the sign-in was odd', async () => {
      const here = network()
      const [odd, plain] = [{ ...entrance(true), lineage: 'l' }, entrance()]
      await entrances.opened(here, odd, NOW)
      await entrances.opened(here, plain, NOW)
      expect(await entrances.suspects(here, NOW)).toEqual([odd])
    })

    test('of a device that came with a token are suspect if its token was given out with one that is', async () => {
      const here = network()
      const [first, again, stranger] = [
        { ...entrance(), lineage: 'begun-here' },
        { ...entrance(), lineage: 'begun-here', returning: true },
        { ...entrance(), lineage: 'begun-elsewhere', returning: true },
      ]
      await entrances.failed(here, NOW)
      for (const [at, one] of [first, again, stranger].entries()) await entrances.opened(here, one, NOW + at)
      expect(await entrances.suspects(here, NOW + 5)).toEqual([first, again])
    })

    test('are forgotten after the window, and failures too', async () => {
      const here = network()
      const [odd, plain] = [entrance(true), entrance()]
      await entrances.failed(here, NOW)
      await entrances.opened(here, odd, NOW)
      await entrances.opened(here, plain, NOW + 1)
      expect(await entrances.suspects(here, NOW + ENTRANCE_WINDOW_MS)).toEqual([odd, plain])
      expect(await entrances.suspects(here, NOW + ENTRANCE_WINDOW_MS + 1)).toEqual([])
    })
  })
}
