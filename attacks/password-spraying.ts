import { networkGroup } from './kit/addresses.ts'
import type { Attack } from './kit/attack.ts'
import { castPeople, castPerson, leakedList, leakedLogin } from './kit/cast.ts'
import { chromeOnWindows, firefoxOnLinux } from './kit/clients/devices.ts'
import { RequestFailed } from './kit/clients/request-failed.ts'
import { registerAtHome } from './kit/sessions.ts'
import { type TryOne, tryFirst, tryLast, tryRest } from './kit/try-passwords.ts'
import { twin } from './password-spraying.twin.ts'

/** Logins with another password: unknown ones, and those of people. */
const [STRANGERS, OTHERS] = [4, 3]
/** A password is flagged from its fifth login on, and the detection alerts on more than two flagged logins of one address. */
const UNNOTICED = 6
/** People who chose this password, tried after the alert's threshold; one more is tried before it. */
const FOLLOWERS = 8

export const passwordSpraying: Attack = {
  slug: 'password-spraying',
  title: 'Password spraying',
  techniques: [{ id: 'T1110.003', name: 'Brute Force: Password Spraying' }],
  targets: ['web', 'functions'],
  does: 'Tries one common password once on each of many accounts from one address. No account sees more than one failure, so none is locked, and somebody will have chosen the password. The number of failures stays far below the threshold for credential stuffing.',
  trips: 'password-spraying',
  runbook: 'runbooks/ATO-004-password-spraying.md',
  twin,

  async attack(_target, context) {
    const { addresses, random, tell } = context
    // New in each run, because the service counts the tries of a password for an hour.
    const { password } = leakedLogin(random)
    const strangers = leakedList(STRANGERS, random)
    const victim = { ...castPerson(random), password }
    const early = { ...castPerson(random), password }
    const followers = castPeople(FOLLOWERS, random).map((person) => ({ ...person, password }))
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
    tell('attacker', `tries one password on account after account from ${bot.address}, ${bot.device.name}`)
    const misses = UNNOTICED - 1
    const wrong = await tryFirst(targets.slice(0, misses), early, 1 + random.int(misses), tryOne, context)
    tell('attacker', `${UNNOTICED} accounts tried, wrong ones answered ${wrong.status}; no alert yet`)

    const crossing = context.crossing(networkGroup(bot.address), 'the seventh account')
    const blocking = { wrong, tryOne, crossing, who: 'attacker' }
    const refusedAt = await tryRest(targets.slice(misses), followers, blocking, context)
    const lastAt = await tryLast(victim, blocking, context)
    return { group: networkGroup(bot.address), crossedAt: crossing.at, refusedAt: refusedAt ?? lastAt }
  },
}
