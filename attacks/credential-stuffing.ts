import { twin } from './credential-stuffing.twin.ts'
import { networkGroup } from './kit/addresses.ts'
import type { Attack } from './kit/attack.ts'
import { castPeople, castPerson, leakedList } from './kit/cast.ts'
import { chromeOnWindows, firefoxOnLinux } from './kit/clients/devices.ts'
import { RequestFailed } from './kit/clients/request-failed.ts'
import { registerAtHome } from './kit/sessions.ts'
import { type TryOne, tryFirst, tryLast, tryRest } from './kit/try-passwords.ts'

const BAD_LOGINS = 30
/** The detection alerts on more failures of one address than these. */
const UNNOTICED = 10
/** People whose right password is on the list after the alert's threshold; one more is before it. */
const REUSERS = 8

export const credentialStuffing: Attack = {
  slug: 'credential-stuffing',
  title: 'Credential stuffing',
  techniques: [{ id: 'T1110.004', name: 'Brute Force: Credential Stuffing' }],
  targets: ['web', 'functions'],
  does: `Tries ${BAD_LOGINS} email and password pairs from one address, as bots do with lists leaked from other sites. Some pairs are right, before and after the alert, because people reuse passwords.`,
  trips: 'credential-stuffing',
  runbook: 'runbooks/ATO-001-credential-stuffing.md',
  twin,

  async attack(_target, context) {
    const { addresses, random, tell } = context
    const victim = castPerson(random)
    const early = castPerson(random)
    const reusers = castPeople(REUSERS, random)
    const home = { device: chromeOnWindows(), address: await addresses.ordinary() }
    const browser = context.client(home)
    await browser.register(victim)
    await registerAtHome([early, ...reusers], context)
    await browser.signIn(victim)
    if ((await browser.visit()).kind === 'out') throw new RequestFailed('a new account could not be signed in to')
    tell(victim.name, `signs in at home and stays: ${home.device.name} at ${home.address}`)

    const bot = { device: firefoxOnLinux(), address: await addresses.attacker() }
    const tryOne: TryOne = (account) => context.intruder(bot).signIn(account)
    const list = leakedList(BAD_LOGINS, random)
    tell('attacker', `works through a leaked list of ${BAD_LOGINS} from ${bot.address}, ${bot.device.name}`)
    const wrong = await tryFirst(list.slice(0, UNNOTICED), early, 1 + random.int(UNNOTICED), tryOne, context)
    tell('attacker', `${UNNOTICED} of ${BAD_LOGINS} tried, each answered ${wrong.status}; no alert yet`)

    const crossing = context.crossing(networkGroup(bot.address), 'the eleventh failure')
    const blocking = { wrong, tryOne, crossing, who: 'attacker' }
    const refusedAt = await tryRest(list.slice(UNNOTICED), reusers, blocking, context)
    const lastAt = await tryLast(victim, blocking, context)
    return { group: networkGroup(bot.address), crossedAt: crossing.at, refusedAt: refusedAt ?? lastAt }
  },
}
