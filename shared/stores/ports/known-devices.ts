export interface KnownDevice {
  /** When the account first saw the device. */
  since: Date
  /** Whether it was the first device of the account. */
  isFirst: boolean
}

export interface KnownDevices {
  find(userId: string, deviceHash: string): Promise<KnownDevice | undefined>
  /** @returns the device, and whether this call added it */
  remember(userId: string, deviceHash: string, now: Date): Promise<KnownDevice & { isNew: boolean }>
  /** Removes a device that was added by a sign-in that then failed. */
  forget(userId: string, deviceHash: string): Promise<void>
}
