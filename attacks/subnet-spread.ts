import { inSubnetOf, networkGroup } from './kit/addresses.ts'
import type { Attack } from './kit/attack.ts'
import { castPeople, castPerson, leakedList } from './kit/cast.ts'
import { chromeOnWindows, firefoxOnLinux } from './kit/clients/devices.ts'
import { openSession, registerAtHome } from './kit/sessions.ts'
import { refusalIn, type TryOne, tryAll, tryLast, tryUntilRefused } from './kit/try-passwords.ts'
import { twin } from './subnet-spread.twin.ts'

const BAD_LOGINS = 30
/** The detection alerts on more failures of one network than these. */
const UNNOTICED = 10
/** People whose right password is on the list too. */
const REUSERS = 4

export const subnetSpread: Attack = {
  slug: 'subnet-spread',
  title: 'Credential stuffing, each try from another address of one subnet',
  techniques: [{ id: 'T1110.004', name: 'Brute Force: Credential Stuffing' }],
  targets: ['web', 'functions'],
  does: `Works through a leaked list from one IPv6 connection, with a new address for each of ${BAD_LOGINS} lines. A subscriber has 2⁶⁴ addresses, so each is used only once. All of them are in one /64, which is counted and blocked as one network.`,
  trips: 'credential-stuffing',
  runbook: 'runbooks/ATO-001-credential-stuffing.md',
  twin,

  async attack(_target, context) {
    const { addresses, random, tell } = context
    const victim = castPerson(random)
    const reusers = castPeople(REUSERS, random)
    const home = { device: chromeOnWindows(), address: await addresses.ordinary() }
    const browser = context.client(home)
    await browser.register(victim)
    await registerAtHome(reusers, context)
    await openSession(browser, victim)
    tell(victim.name, `signs in at home and stays: ${home.device.name} at ${home.address}`)

    const connection = await addresses.mobile()
    const tryOne: TryOne = (account) =>
      context.intruder({ device: firefoxOnLinux(), address: inSubnetOf(connection) }).signIn(account)
    const list = leakedList(BAD_LOGINS, random)
    const group = networkGroup(connection)
    tell(
      'attacker',
      `works through a leaked list of ${BAD_LOGINS}, each line from another address: ${group['@network']}`,
    )
    const wrong = refusalIn(await tryAll(list.slice(0, UNNOTICED), tryOne))
    const crossing = context.crossing(group, 'the eleventh failure')
    const blocking = { wrong, tryOne, crossing, who: 'attacker' }
    const [, refusedAt] = await Promise.all([
      tryAll(list.slice(UNNOTICED), tryOne),
      crossing.alerted.then(() => tryUntilRefused(reusers, blocking, context)),
    ])
    const lastAt = await tryLast(victim, blocking, context)
    return { group, crossedAt: crossing.at, refusedAt: refusedAt ?? lastAt }
  },
}
