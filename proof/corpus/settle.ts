import { randomUUID } from 'node:crypto'
import { recognise, recordDevice } from '../../functions/auth/sign-in-device.ts'
import { newTotpSecret, sealTotp } from '../../functions/auth/totp.ts'
import { deviceHash } from '../../shared/client/device.ts'
import { judgeArrival } from '../../shared/geo/travel.ts'
import { Authenticator } from './authenticator.ts'
import type { Device } from './devices.ts'
import type { Hosts } from './hosts.ts'
import { locate } from './networks.ts'
import type { Person, Town } from './people.ts'

/**
 * Writes an account into the stores as its registration and its sign-ins before the log begins would have done. Carrying
 * them out would take a tenth of a run and write no event.
 * @param devices the known devices of the account, the first one first
 */
export async function settle(
  { chance }: Pick<Town, 'chance'>,
  person: Person,
  { devices, hasFactor }: { devices: readonly Device[]; hasFactor: boolean },
  { functions: deps }: Hosts,
): Promise<void> {
  const { email, password, home } = person
  const [userId, now] = [randomUUID(), new Date(deps.now())]
  await deps.users.create({ id: userId, email, passwordHash: await deps.passwords.hash(password) }, now)
  for (const device of devices) {
    const user = await deps.users.findById(userId)
    if (!user) throw new Error('the user who was just created is not there')
    const recognition = await recognise({}, userId, deps)
    const hash = deviceHash(device.userAgent, device.hints, deps.deviceKeys[0])
    const recorded = await recordDevice({ user, deviceHash: hash, ...recognition }, device.isBrowser, deps)
    device.deviceToken = await recorded.confirm([])
  }
  const place = locate(home.address(chance))
  if (place) await deps.places.revise(userId, (before) => judgeArrival(before, place, now).learnt)
  if (hasFactor) person.authenticator = await enrol(userId, now, deps)
}

async function enrol(userId: string, now: Date, { users, totpKeys }: Hosts['functions']): Promise<Authenticator> {
  const secret = newTotpSecret()
  const sealed = sealTotp(secret, userId, totpKeys)
  await users.offerTotp(userId, sealed, now)
  const user = await users.findById(userId)
  await users.enableTotp(userId, { secret: sealed, step: 0, epoch: user?.epoch ?? 0 }, now)
  return new Authenticator(secret)
}
