import type { BlockList } from '../port.ts'
import { createMemorySpace } from './space.ts'

/** Blocked networks in this process alone. One block a network: the latest containment's. */
export function createMemoryBlockList(space = createMemorySpace()): BlockList {
  const blocks = space.map<{ containmentId: string; until: number }>()
  return {
    async block(network, { containmentId, until }) {
      blocks.set(network, { containmentId, until })
    },
    async blockedBy(network, now) {
      const entry = blocks.get(network)
      return entry && now < entry.until ? entry : undefined
    },
    async unblock(network, containmentId) {
      return blocks.get(network)?.containmentId === containmentId && blocks.delete(network)
    },
  }
}
