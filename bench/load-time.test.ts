import { expect, it } from 'vitest'
import { benchLoadTime } from './load-time.ts'

it('loads the same app bundled and file by file, in separate processes', async () => {
  const { measured, peer } = await benchLoadTime({ rounds: 1 })
  expect([measured.rounds.length, peer.rounds.length]).toEqual([1, 1])
  for (const milliseconds of [...measured.rounds, ...peer.rounds]) expect(milliseconds).toBeGreaterThan(0)
}, 60_000)
