/** Ids of signed calls. Each is accepted once. */
export interface ReplayCache {
  /** @param expiresAt epoch ms until which the id is kept @returns false if the id was accepted before */
  accept(id: string, expiresAt: number): Promise<boolean>
}
