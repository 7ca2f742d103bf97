import type { BlockList } from '../port.ts'
import { createMemorySpace } from './space.ts'

/** Blocked networks, in this process only. A network has one block: that of the latest containment. */
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
