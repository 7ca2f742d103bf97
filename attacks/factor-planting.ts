import { twin } from './factor-planting.twin.ts'
import { networkGroup } from './kit/addresses.ts'
import type { PreventedAttack } from './kit/attack.ts'
import { castPerson, leakedLogin } from './kit/cast.ts'
import { factorChanges } from './kit/second-factor.ts'
import { openAndCopy } from './kit/sessions.ts'

export const factorPlanting: PreventedAttack = {
  slug: 'factor-planting',
  title: 'Stolen session used to set up a second factor',
  techniques: [
    { id: 'T1539', name: 'Steal Web Session Cookie' },
    { id: 'T1556.006', name: 'Modify Authentication Process: Multi-Factor Authentication' },
  ],
  targets: ['web', 'functions'],
  does: 'Copies a session with every header, within minutes of its sign-in. Tries to set up an authenticator of the thief’s own, and to change the password with a guess. Either would lock the owner out permanently, and the device does not look new.',
  ends: 'prevented',
  prevention:
    'A change of the second factor needs the password again, in the same session, from the same network and within five minutes. A copied session is not enough, and it ends when its owner signs out.',
  leaves: [
    { query: '@evt:mfa @outcome:fail @reason:step_up', atLeast: 3 },
    { query: '@evt:credential @outcome:fail @reason:wrong_password', atLeast: 1 },
    { query: '@evt:session @outcome:expired', atLeast: 1 },
  ],
  runbook: 'runbooks/ATO-014-takeover-actions.md',
  twin,

  async attack(target, context) {
    const { random, tell } = context
    const victim = castPerson(random)
    const { desk, laptop, stolen, thief } = await openAndCopy(victim, 'ordinary', target, context)
    const crossing = context.crossing({}, 'the enrolment')
    const statuses: number[] = []
    let refusedAt = 0
    for (const outgoing of factorChanges(target, stolen)) {
      const { status, answeredAt } = await thief.send(outgoing)
      statuses.push(status)
      refusedAt ||= answeredAt
    }
    const guess = leakedLogin(random)
    const next = leakedLogin(random)
    const change = await thief.changePassword({ ...victim, password: guess.password }, next.password)
    tell(
      'thief',
      `tries to set up, turn on and turn off a second factor: ${statuses.join(', ')}; to change the password with a guess: ${change.kind}`,
    )

    await laptop.signOut()
    const last = await thief.visit()
    tell(victim.name, `signs out on the laptop; the thief is ${last.kind === 'in' ? 'STILL IN' : 'out with it'}`)
    const again = await laptop.signIn(victim)
    tell(victim.name, again.kind === 'in' ? 'signs in again without a code' : `is refused: ${again.status}`)
    const isRefused = statuses.every((status) => status === 403) && change.kind === 'refused' && last.kind === 'out'
    return {
      group: {},
      crossedAt: crossing.at,
      refusedAt: isRefused ? refusedAt : undefined,
      lost: [stolen.sid],
      innocent: [networkGroup(desk.address)],
    }
  },
}
