import type { KnownDevice, KnownDevices, LiveSession } from '../../shared/stores/port.ts'

/** How long a device that an account has just met is told apart when it changes what the account is opened with. */
export const NEW_DEVICE_MS = 15 * 60_000

export interface DeviceDeps {
  devices: Pick<KnownDevices, 'find'>
  now: () => number
}

/**
 * Says whether a device is new to its account. The account's first one never is; one that it does not know at all is as
 * new as can be. It belongs to the device, not to the session: authenticating again makes nothing older.
 */
export const isNewDevice = (device: KnownDevice | undefined, now: number): boolean =>
  device === undefined || (!device.isFirst && now - device.since.getTime() < NEW_DEVICE_MS)

/**
 * Judges the device that opened the session and the kind of device that presents it now, so that a copied session shows.
 * @returns what goes into the `risk` of an event about an account's credentials
 */
export async function risksOfDevice(
  { userId, newDeviceSince }: Pick<LiveSession, 'userId' | 'newDeviceSince'>,
  deviceHash: string,
  deps: DeviceDeps,
): Promise<'new_device'[]> {
  const now = deps.now()
  const presenting = await deps.devices.find(userId, deviceHash)
  const isNew = newDeviceSince !== undefined && now - newDeviceSince < NEW_DEVICE_MS
  return isNew || isNewDevice(presenting, now) ? ['new_device'] : []
}
