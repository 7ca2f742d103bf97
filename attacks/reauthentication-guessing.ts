import type { Attack } from './kit/attack.ts'
import { type Account, castPerson } from './kit/cast.ts'
import type { SignIn } from './kit/clients/client.ts'
import { RequestFailed } from './kit/clients/request-failed.ts'
import { openAndCopy } from './kit/sessions.ts'
import { useUntilRefused } from './kit/until-refused.ts'
import { twin } from './reauthentication-guessing.twin.ts'

/** The detection alerts on more wrong passwords of one session than these. */
const UNNOTICED = 3

export const reauthenticationGuessing: Attack = {
  slug: 'reauthentication-guessing',
  title: 'A stolen session that guesses its password',
  techniques: [{ id: 'T1110.001', name: 'Brute Force: Password Guessing' }],
  targets: ['web', 'functions'],
  does: 'Copies a session with every header of its owner’s browser, so that the device does not differ. Guesses the password inside the session, at the re-authentication and at the change of the password. A right guess would give the account to the thief.',
  trips: 'reauthentication-guessing',
  runbook: 'runbooks/ATO-017-reauthentication-guessing.md',
  twin,

  async attack(target, context) {
    const { random, tell } = context
    const victim = castPerson(random)
    const { stolen, thief } = await openAndCopy(victim, 'attacker', target, context)

    const wrong = (n: number): Account => ({ ...victim, password: `${victim.password}${n}` })
    mustBeRefused(await thief.reauthenticate(wrong(1).password))
    for (let n = 2; n <= UNNOTICED; n++) mustBeRefused(await thief.changePassword(wrong(n), 'the password of a thief'))
    tell('thief', `guesses ${UNNOTICED} times, at the re-authentication and at the change of the password`)

    const group = { '@sid': stolen.sid }
    const crossing = context.crossing(group, 'the fourth wrong password')
    mustBeRefused(await thief.reauthenticate(wrong(UNNOTICED + 1).password))
    const isIn = `is in ${victim.name}'s account but does not know the password yet`
    const refusedAt = await useUntilRefused(thief, { name: 'thief', isIn }, crossing, context)

    await crossing.alerted
    return { group, crossedAt: crossing.at, refusedAt, lost: [stolen.sid] }
  },
}

/** @throws RequestFailed */
function mustBeRefused(answer: SignIn): void {
  if (answer.kind === 'in') throw new RequestFailed('a wrong password was accepted')
}
