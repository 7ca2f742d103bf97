import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { type RecentSignIn, type RecentSignIns, SIGN_IN_WINDOW_MS } from '../port.ts'

const NOW = Date.now()

export function recentSignInsContract(recentSignIns: RecentSignIns): void {
  const network = () => `2001:db8:1:2::/64 ${randomUUID()}`
  const signIn = (odd = false): RecentSignIn => ({ sid: randomUUID(), userId: randomUUID(), odd })

  describe('recent sign-ins of a network', () => {
    test('are suspect from its first failure on, whoever opened them', async () => {
      const [here, elsewhere] = [network(), network()]
      const [before, at, after, other] = [signIn(), signIn(), signIn(), signIn()]
      await recentSignIns.opened(here, before, NOW - 1)
      await recentSignIns.failed(here, NOW)
      await recentSignIns.opened(here, at, NOW)
      await recentSignIns.failed(here, NOW + 5)
      await recentSignIns.opened(here, after, NOW + 1)
      await recentSignIns.opened(elsewhere, other, NOW + 1)
      expect(await recentSignIns.suspects(here, NOW + 10)).toEqual([at, after])
      expect(await recentSignIns.suspects(elsewhere, NOW + 10)).toEqual([])
    })

    test('are suspect without any failure when the sign-in was odd', async () => {
      const here = network()
      const [odd, plain] = [{ ...signIn(true), lineage: 'l' }, signIn()]
      await recentSignIns.opened(here, odd, NOW)
      await recentSignIns.opened(here, plain, NOW)
      expect(await recentSignIns.suspects(here, NOW)).toEqual([odd])
    })

    test('of a device that came with a token are suspect if its token was given out with one that is', async () => {
      const here = network()
      const [first, again, stranger] = [
        { ...signIn(), lineage: 'begun-here' },
        { ...signIn(), lineage: 'begun-here', returning: true },
        { ...signIn(), lineage: 'begun-elsewhere', returning: true },
      ]
      await recentSignIns.failed(here, NOW)
      for (const [at, one] of [first, again, stranger].entries()) await recentSignIns.opened(here, one, NOW + at)
      expect(await recentSignIns.suspects(here, NOW + 5)).toEqual([first, again])
    })

    test('are forgotten after the window, and failures too', async () => {
      const here = network()
      const [odd, plain] = [signIn(true), signIn()]
      await recentSignIns.failed(here, NOW)
      await recentSignIns.opened(here, odd, NOW)
      await recentSignIns.opened(here, plain, NOW + 1)
      expect(await recentSignIns.suspects(here, NOW + SIGN_IN_WINDOW_MS)).toEqual([odd, plain])
      expect(await recentSignIns.suspects(here, NOW + SIGN_IN_WINDOW_MS + 1)).toEqual([])
    })
  })
}
