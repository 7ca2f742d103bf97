export interface BlockList {
  block(network: string, entry: { containmentId: string; until: number }): Promise<void>
  /** @returns the containment that blocks this network */
  blockedBy(network: string, now: number): Promise<{ containmentId: string; until: number } | undefined>
  /** Removes the block if it still belongs to this containment. */
  unblock(network: string, containmentId: string): Promise<boolean>
}
