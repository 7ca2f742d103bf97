import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { BlockList } from '../port.ts'

const NOW = Date.parse('2026-03-01T12:00:00Z')
const UNTIL = NOW + 900_000

export function blockListContract(blocks: BlockList): void {
  const network = () => `203.0.113.9/32 ${randomUUID()}`
  const blocked = async (name: string, now = NOW) => (await blocks.blockedBy(name, now))?.containmentId

  describe('a block', () => {
    test('holds for its network until the very instant it ends', async () => {
      const [one, other] = [network(), network()]
      await blocks.block(one, { containmentId: 'c-1', until: UNTIL })
      expect(await blocks.blockedBy(one, UNTIL - 1)).toEqual({ containmentId: 'c-1', until: UNTIL })
      expect(await blocks.blockedBy(one, UNTIL)).toBeUndefined()
      expect(await blocks.blockedBy(other, NOW)).toBeUndefined()
    })

    test('is renewed by blocking again', async () => {
      const name = network()
      await blocks.block(name, { containmentId: 'c-1', until: UNTIL })
      await blocks.block(name, { containmentId: 'c-1', until: UNTIL + 1 })
      expect(await blocked(name, UNTIL)).toBe('c-1')
    })

    test('is lifted once, by the containment that holds it', async () => {
      const name = network()
      await blocks.block(name, { containmentId: 'c-1', until: UNTIL })
      const lifted = await Promise.all([blocks.unblock(name, 'c-1'), blocks.unblock(name, 'c-1')])
      expect(lifted.filter(Boolean)).toHaveLength(1)
      expect(await blocked(name)).toBeUndefined()
    })

    test('is not lifted by another containment', async () => {
      const name = network()
      await blocks.block(name, { containmentId: 'c-1', until: UNTIL })
      await blocks.block(name, { containmentId: 'c-2', until: UNTIL })
      expect(await blocks.unblock(name, 'c-1')).toBe(false)
      expect(await blocked(name)).toBe('c-2')
    })
  })
}
