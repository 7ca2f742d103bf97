import { networkGroup } from './addresses.ts'
import type { Attack } from './attack.ts'
import { type TryOne, tryFirst, tryLast, tryRest } from './blocked.ts'
import { type Account, castPeople, leakedList, type Person } from './cast.ts'
import { chromeOnWindows, firefoxOnLinux } from './clients/devices.ts'
import { RequestFailed } from './clients/request-failed.ts'
import { twin } from './password-spraying.twin.ts'
import { registerAtHome } from './sessions.ts'

/** Logins that it does not fit: of nobody, and of people with other passwords. */
const [STRANGERS, OTHERS] = [4, 3]
/** The password is flagged from the fifth login on, and the detection wants more flagged logins of one address than two. */
const UNNOTICED = 6
/** People who chose the very password, tried after the alert's threshold; one more is tried before it. */
const FOLLOWERS = 8

export const passwordSpraying: Attack = {
  slug: 'password-spraying',
  title: 'Password spraying',
  techniques: [{ id: 'T1110.003', name: 'Brute Force: Password Spraying' }],
  targets: ['web', 'functions'],
  does: 'Tries one password at account after account from one address, once each, so that no account is locked and none sees more than a slip: somebody will have chosen it. Stays far below what counts as many failures.',
  trips: 'password-spraying',
  runbook: 'runbooks/ATO-004-password-spraying.md',
  twin,

  async attack(_target, context) {
    const { addresses, random, tell } = context
    // New in each run: how often it was tried is remembered for an hour.
    const [{ password }, ...strangers] = leakedList(1 + STRANGERS, random) as [Account, ...Account[]]
    const alike = castPeople(2 + FOLLOWERS, random).map((person) => ({ ...person, password }))
    const [victim, early, ...followers] = alike as [Person, Person, ...Person[]]
    const others = castPeople(OTHERS, random)
    const home = { device: chromeOnWindows(), address: await addresses.ordinary() }
    const browser = context.client(home)
    await browser.register(victim)
    await registerAtHome([early, ...followers, ...others], context)
    await browser.signIn(victim)
    if ((await browser.visit()).kind === 'out') throw new RequestFailed('a new account could not be signed in to')
    tell(victim.name, `signs in at home and stays: ${home.device.name} at ${home.address}`)

    const bot = { device: firefoxOnLinux(), address: await addresses.attacker() }
    const tryOne: TryOne = ({ email }) => context.intruder(bot).signIn({ email, password })
    const targets = random.shuffle([...strangers, ...others])
    tell('attacker', `tries one password at account after account from ${bot.address}, ${bot.device.name}`)
    const misses = UNNOTICED - 1
    const wrong = await tryFirst(targets.slice(0, misses), early, 1 + random.int(misses), tryOne, context)
    tell('attacker', `${UNNOTICED} accounts tried, wrong ones answered ${wrong.status}; nobody has noticed`)

    const crossing = context.crossing(networkGroup(bot.address), 'the seventh account')
    const blocking = { wrong, tryOne, crossing, who: 'attacker' }
    const refusedAt = await tryRest(targets.slice(misses), followers, blocking, context)
    const lastAt = await tryLast(victim, blocking, context)
    return { group: networkGroup(bot.address), crossedAt: crossing.at, refusedAt: refusedAt ?? lastAt }
  },
}
