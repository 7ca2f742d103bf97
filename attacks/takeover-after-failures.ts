import type { Attack } from './kit/attack.ts'
import { castPerson, mistype } from './kit/cast.ts'
import { chromeOnWindows, firefoxOnLinux } from './kit/clients/devices.ts'
import { RequestFailed } from './kit/clients/request-failed.ts'
import { useUntilRefused } from './kit/until-refused.ts'
import { twin } from './takeover-after-failures.twin.ts'

/** A right password after five failures is flagged. */
const GUESSES = 6

export const takeoverAfterFailures: Attack = {
  slug: 'takeover-after-failures',
  title: 'A right guess after failures',
  techniques: [
    { id: 'T1110.001', name: 'Brute Force: Password Guessing' },
    { id: 'T1078', name: 'Valid Accounts' },
  ],
  targets: ['web', 'functions'],
  does: `Guesses ${GUESSES} times at one account, from an unknown browser and address, and then gives the right password. The guesses are too few for any throttle, and the sign-in itself looks like any other.`,
  trips: 'takeover-after-failures',
  runbook: 'runbooks/ATO-007-takeover-after-failures.md',
  twin,

  async attack(_target, context) {
    const { addresses, random, tell } = context
    const victim = castPerson(random)
    const home = { device: chromeOnWindows(), address: await addresses.ordinary() }
    const browser = context.client(home)
    await browser.register(victim)
    if ((await browser.signIn(victim)).kind === 'refused') throw new RequestFailed('a new account could not sign in')
    if ((await browser.visit()).kind === 'out') throw new RequestFailed('a new session was refused')
    tell(victim.name, `signs in at home and stays: ${home.device.name} at ${home.address}`)

    const source = { device: firefoxOnLinux(), address: await addresses.attacker() }
    const thief = context.intruder(source)
    for (let tries = 0; tries < GUESSES; tries++) {
      const answer = await thief.signIn({ ...victim, password: mistype(victim.password, random) })
      if (answer.kind === 'in') throw new RequestFailed('a wrong password was accepted')
    }
    tell('thief', `knows ${victim.name} and guesses ${GUESSES} times: ${source.device.name} at ${source.address}`)
    const entry = await thief.signIn(victim)
    if (entry.kind === 'refused') throw new RequestFailed(`the right password was refused: ${entry.status}`)
    const group = { '@sid': entry.session.sid }
    const crossing = context.crossing(group, 'the sign-in', entry.sentAt)
    const isIn = 'is signed in: the seventh guess was right'
    const refusedAt = await useUntilRefused(thief, { name: 'thief', isIn }, crossing, context)

    await crossing.alerted
    return { group, crossedAt: crossing.at, refusedAt }
  },
}
