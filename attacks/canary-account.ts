import { LAB_CANARY } from '../shared/lab.ts'
import { twin } from './canary-account.twin.ts'
import { networkGroup } from './kit/addresses.ts'
import type { Attack, AttackContext } from './kit/attack.ts'
import { castPeople, castPerson, leakedList, leakedLogin } from './kit/cast.ts'
import { chromeOnWindows, firefoxOnLinux } from './kit/clients/devices.ts'
import { RequestFailed } from './kit/clients/request-failed.ts'
import { registerAtHome } from './kit/sessions.ts'
import { refusalIn, type TryOne, tryAll, tryLast, tryUntilRefused } from './kit/try-passwords.ts'

/** Lines of the list before and after the planted one. */
const [BEFORE, AFTER] = [2, 2]
/** People on the list with a right password. */
const REUSERS = 8

export const canaryAccount: Attack = {
  slug: 'canary-account',
  title: 'A stolen list with a planted line',
  techniques: [{ id: 'T1110.004', name: 'Brute Force: Credential Stuffing' }],
  targets: ['web', 'functions'],
  does: `Tries a short stolen list, too slowly for any throttle. One line was planted: its login has no account, so a try shows that the list was stolen and which address uses it. For a deployment, set ATO_CANARY to that login.`,
  trips: 'canary-account',
  runbook: 'runbooks/ATO-012-canary-account.md',
  twin,

  async attack(_target, context) {
    const { addresses, random, tell } = context
    const canary = plantedIn(context)
    const victim = castPerson(random)
    const reusers = castPeople(REUSERS, random)
    const home = { device: chromeOnWindows(), address: await addresses.ordinary() }
    const browser = context.client(home)
    await browser.register(victim)
    await registerAtHome(reusers, context)
    await browser.signIn(victim)
    if ((await browser.visit()).kind === 'out') throw new RequestFailed('a new account could not be signed in to')
    tell(victim.name, `signs in at home and stays: ${home.device.name} at ${home.address}`)

    const bot = { device: firefoxOnLinux(), address: await addresses.attacker() }
    const tryOne: TryOne = (account) => context.intruder(bot).signIn(account)
    const planted = leakedLogin(random)
    const lines = leakedList(BEFORE + AFTER, random)
    tell('attacker', `has a stolen list and begins to try it from ${bot.address}, ${bot.device.name}`)
    const wrong = refusalIn(await tryAll(lines.slice(0, BEFORE), tryOne))
    const crossing = context.crossing(networkGroup(bot.address), 'the planted line')
    await tryOne({ ...planted, email: canary })
    tell('attacker', `has tried ${BEFORE + 1} lines; the last was planted, and its answer is the same`)
    await tryAll(lines.slice(BEFORE), tryOne)

    await crossing.alerted
    const blocking = { wrong, tryOne, crossing, who: 'attacker' }
    const refusedAt = await tryUntilRefused(reusers, blocking, context)
    const lastAt = await tryLast(victim, blocking, context)
    return { group: networkGroup(bot.address), crossedAt: crossing.at, refusedAt: refusedAt ?? lastAt }
  },
}

/** The planted login. @throws RequestFailed if it is not known */
export function plantedIn({ insider }: AttackContext): string {
  const { ATO_CANARY: named } = process.env
  if (named) return named
  if (insider) return LAB_CANARY
  throw new RequestFailed(
    'the planted login of a deployment is not known here: set ATO_CANARY to one of its CANARY_ADDRESSES',
  )
}
