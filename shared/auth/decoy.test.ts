import { expect, it } from 'vitest'
import { deviceHash, loginHash } from '../client/device.ts'
import { Secret } from '../secret.ts'
import { COMMON_DEVICES, isDecoyDevice } from './decoy.ts'

const KEY = new Secret('a key for devices, long enough for one')
const devices = COMMON_DEVICES.map(([userAgent, platform, mobile]) => deviceHash(userAgent, { platform, mobile }, KEY))
const logins = Array.from({ length: 200 }, (_, index) => loginHash(`nobody-${index}@example.com`, KEY))

it('gives each account that does not exist one device, always the same, and every common one to somebody', () => {
  const known = logins.map((login) => devices.filter((device) => isDecoyDevice(login, device, KEY)))
  expect(known.every((found) => found.length === 1)).toBe(true)
  expect(new Set(known.flat())).toEqual(new Set(devices))
  expect(new Set(devices).size).toBe(COMMON_DEVICES.length)
})

it('gives nobody a device that is not common', () => {
  const odd = deviceHash('curl/8.5.0', {}, KEY)
  expect(logins.some((login) => isDecoyDevice(login, odd, KEY))).toBe(false)
})
