export interface Lease {
  /** Greater than the fence of every earlier holder, which distinguishes the late writes of an old holder. */
  fence: number
  /** Extends the lease by its full time from now. @returns false if it has ended or another holder has it */
  renew(): Promise<boolean>
  /** Releases the lease, unless another holder has it. */
  release(): Promise<void>
}

export interface Leases {
  /** @returns undefined while another holder has the lease */
  acquire(name: string, ttlMs: number): Promise<Lease | undefined>
}
