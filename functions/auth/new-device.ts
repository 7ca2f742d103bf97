import type { KnownDevice, KnownDevices, LiveSession } from '../../shared/stores/port.ts'

/** How long a device counts as new. */
export const NEW_DEVICE_MS = 15 * 60_000

export interface DeviceDeps {
  devices: Pick<KnownDevices, 'find'>
  now: () => number
}

/**
 * Whether a device is new to its account. The first device of an account never is. An unknown device always is. The
 * age belongs to the device and not to the session, so a new authentication does not change it.
 */
export const isNewDevice = (device: KnownDevice | undefined, now: number): boolean =>
  device === undefined || (!device.isFirst && now - device.since.getTime() < NEW_DEVICE_MS)

/**
 * Judges both the device that opened the session and the device that presents it now, so that a copied session shows.
 * @returns the `risk` of an event about the credentials of an account
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
