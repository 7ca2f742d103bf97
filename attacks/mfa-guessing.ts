import type { Attack, AttackContext } from './kit/attack.ts'
import { castPerson } from './kit/cast.ts'
import { type Client, userOf } from './kit/clients/client.ts'
import { chromeOnWindows, firefoxOnLinux } from './kit/clients/devices.ts'
import { RequestFailed } from './kit/clients/request-failed.ts'
import { openWithAuthenticator, passPassword } from './kit/second-factor.ts'
import { twin } from './mfa-guessing.twin.ts'

/** The number of codes that a pending sign-in accepts. */
const TRIES = 5

export const mfaGuessing: Attack = {
  slug: 'mfa-guessing',
  title: 'Guessing one-time codes',
  techniques: [{ id: 'T1110.001', name: 'Brute Force: Password Guessing' }],
  targets: ['web', 'functions'],
  does: `Has the right password and guesses the code: ${TRIES} tries, then the password again, and more tries. Of a million codes three are right at any time, so unlimited guessing finds one.`,
  trips: 'mfa-guessing',
  runbook: 'runbooks/ATO-008-mfa-guessing.md',
  twin,

  async attack(_target, context) {
    const { addresses, random, tell } = context
    const victim = castPerson(random)
    const home = { device: chromeOnWindows(), address: await addresses.ordinary() }
    const browser = context.client(home)
    const { session } = await openWithAuthenticator(browser, victim, context)
    tell(victim.name, `signs in at home, sets up an authenticator and stays: ${home.device.name} at ${home.address}`)

    const source = { device: firefoxOnLinux(), address: await addresses.attacker() }
    const thief = context.intruder(source)
    await passPassword(thief, victim)
    tell('thief', `has the password, and is asked for a code: ${source.device.name} at ${source.address}`)
    for (let tries = 0; tries < TRIES; tries++) await guess(thief, context)
    tell('thief', `enters ${TRIES} codes, each refused; one more ends the pending sign-in`)

    const group = { '@usr.id': userOf(session) }
    const crossing = context.crossing(group, 'the sixth code')
    await guess(thief, context)
    await passPassword(thief, victim)
    await guess(thief, context)
    tell('thief', 'gives the password again and continues to guess')

    await crossing.alerted
    return { group, crossedAt: crossing.at, refusedAt: undefined }
  },
}

async function guess(thief: Client, { random }: AttackContext): Promise<void> {
  const answer = await thief.enterCode(String(random.int(1_000_000)).padStart(6, '0'))
  if (answer.kind === 'in') throw new RequestFailed('a random code was accepted by chance: run it again')
}
