import { changePassword, proveAgain, switchSecondFactor } from './account-page.ts'
import type { Device } from './devices.ts'
import type { Network } from './networks.ts'
import { type Person, type Town, visitorOf } from './people.ts'
import { type Activity, SECOND } from './schedule.ts'
import { signIn } from './sign-in.ts'

/** The present network of a person, read for each page. */
export type Whereabouts = () => Network

/** A person signs in, unless there is a session, and opens a number of pages. */
export async function* visit(town: Town, person: Person, device: Device, where: Whereabouts, pages: number): Activity {
  const { chance, site } = town
  if (!(yield* arrive(town, person, device, where))) return
  for (let page = 0; page < pages; page++) {
    yield chance.between(20, 140) * SECOND
    if (!(await site.view(visitorOf(town, device, where())))) return
    if (page === 2) yield* keepHouse(town, person, device, where)
  }
  if (chance.of(0.25)) await site.logout(visitorOf(town, device, where()))
}

/** @returns whether there is a session, the earlier or a new one. Each open tab presents an earlier one that is over once. */
async function* arrive(town: Town, person: Person, device: Device, where: Whereabouts): Activity<boolean> {
  const { chance, site } = town
  const { session } = device
  if (session !== undefined) {
    const visitor = visitorOf(town, device, where())
    if (await site.view(visitor)) return true
    if (chance.of(0.15)) {
      device.session = session
      await site.view(visitor)
    }
    yield chance.between(3, 20) * SECOND
  }
  return yield* signIn(town, person, device, where())
}

/**
 * With small probabilities: a re-authentication with up to three slips, a new password, a second factor, the end of another
 * session. Only a device that the account has known for a while makes changes: those of a new device in its first quarter of
 * an hour are what takeover-actions detects.
 */
async function* keepHouse(town: Town, person: Person, device: Device, where: Whereabouts): Activity {
  const { chance, site } = town
  // A form is sent from the network in which it was opened.
  const visitor = visitorOf(town, device, where())
  if (chance.of(0.003)) await site.endAnother(visitor)
  const changes = chance.of(0.006)
  if (chance.of(0.03)) yield* proveAgain(town, person, visitor, chance.of(0.3) ? chance.between(1, 3) : 0)
  if (!changes) return
  yield chance.between(10, 60) * SECOND
  const session = await site.view(visitor)
  if (!session || (await site.isNewDevice(session, visitor))) return
  yield* chance.of(0.4) ? switchSecondFactor(town, person, visitor) : changePassword(town, person, visitor)
}
