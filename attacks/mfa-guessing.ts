import type { Attack, AttackContext } from './attack.ts'
import { castPeople, type Person } from './cast.ts'
import { type Client, userOf } from './clients/client.ts'
import { chromeOnWindows, firefoxOnLinux } from './clients/devices.ts'
import { RequestFailed } from './clients/request-failed.ts'
import { twin } from './mfa-guessing.twin.ts'
import { openWithAuthenticator, passPassword } from './second-factor.ts'

/** As many as a pending sign-in takes. */
const TRIES = 5

export const mfaGuessing: Attack = {
  slug: 'mfa-guessing',
  title: 'Guessing one-time codes',
  techniques: [{ id: 'T1110.001', name: 'Brute Force: Password Guessing' }],
  targets: ['web', 'functions'],
  does: `Has the right password and guesses at the code: ${TRIES} tries, then the password again, and as many more. Of a million codes three are right at any time, and whoever may go on for long enough finds one.`,
  trips: 'mfa-guessing',
  runbook: 'runbooks/ATO-008-mfa-guessing.md',
  twin,

  async attack(_target, context) {
    const { addresses, random, tell } = context
    const [victim] = castPeople(1, random) as [Person]
    const home = { device: chromeOnWindows(), address: await addresses.ordinary() }
    const browser = context.client(home)
    const { session } = await openWithAuthenticator(browser, victim, context)
    tell(victim.name, `signs in at home, sets up an authenticator and stays: ${home.device.name} at ${home.address}`)

    const lair = { device: firefoxOnLinux(), address: await addresses.attacker() }
    const thief = context.intruder(lair)
    await passPassword(thief, victim)
    tell('thief', `has the password, and is asked for a code: ${lair.device.name} at ${lair.address}`)
    for (let tries = 0; tries < TRIES; tries++) await guess(thief, context)
    tell('thief', `types ${TRIES} codes, each refused; the next will cost the sign-in`)

    const group = { '@usr.id': userOf(session) }
    const crossing = context.crossing(group, 'the sixth code')
    await guess(thief, context)
    await passPassword(thief, victim)
    await guess(thief, context)
    tell('thief', 'gives the password again, and goes on guessing')

    await crossing.alerted
    return { group, crossedAt: crossing.at, refusedAt: undefined }
  },
}

async function guess(thief: Client, { random }: AttackContext): Promise<void> {
  const answer = await thief.enterCode(String(random.int(1_000_000)).padStart(6, '0'))
  if (answer.kind === 'in') throw new RequestFailed('a guess was right: try again, it takes years on average')
}
