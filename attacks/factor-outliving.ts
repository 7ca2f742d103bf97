import { twin } from './factor-outliving.twin.ts'
import { networkGroup } from './kit/addresses.ts'
import type { PreventedAttack } from './kit/attack.ts'
import { castPerson } from './kit/cast.ts'
import { chromeOnWindows } from './kit/clients/devices.ts'
import { RequestFailed } from './kit/clients/request-failed.ts'
import { factorChanges, reauthenticate, turnOnAuthenticator } from './kit/second-factor.ts'

export const factorOutliving: PreventedAttack = {
  slug: 'factor-outliving',
  title: 'A thief’s session that outlives the owner’s second factor',
  techniques: [
    { id: 'T1078', name: 'Valid Accounts' },
    { id: 'T1556.006', name: 'Modify Authentication Process: Multi-Factor Authentication' },
  ],
  targets: ['web', 'functions'],
  does: 'Knows the password and is signed in on the owner’s kind of device. The owner suspects it and turns a second factor on. The attacker then continues with the older session, which was never asked for a code, and tries to turn the factor off.',
  ends: 'prevented',
  prevention:
    'Turning a second factor on, on a known device, ends every other session of the account. Turning it off requires a code.',
  leaves: [
    { query: '@evt:mfa @outcome:enabled', atLeast: 1 },
    { query: '@evt:session @outcome:revoked @reason:factor_changed', atLeast: 1 },
  ],
  runbook: 'runbooks/ATO-014-takeover-actions.md',
  twin,

  async attack(target, context) {
    const { addresses, random, tell } = context
    const victim = castPerson(random)
    const home = { device: chromeOnWindows(), address: await addresses.ordinary() }
    const browser = context.client(home)
    await browser.register(victim)
    const first = await browser.signIn(victim)
    if (first.kind === 'refused') throw new RequestFailed(`a new account could not sign in: ${first.status}`)

    const thief = context.intruder({ device: home.device, address: await addresses.ordinary() })
    const entry = await thief.signIn(victim)
    if (entry.kind === 'refused') throw new RequestFailed(`the right password was refused: ${entry.status}`)
    tell('thief', `has the password, and signs in on ${home.device.name}, as ${victim.name} does`)

    const crossing = context.crossing({}, 'the second factor')
    await reauthenticate(browser, victim)
    context.carries(victim, await turnOnAuthenticator(browser, context))
    tell(victim.name, 'turns a second factor on')
    const statuses: number[] = []
    for (const outgoing of factorChanges(target, entry.session)) statuses.push((await thief.send(outgoing)).status)
    const last = await thief.visit()
    tell(
      'thief',
      `tries to turn it off again: ${statuses.join(', ')}; and is ${last.kind === 'in' ? 'STILL IN' : 'out'}`,
    )
    return {
      group: {},
      crossedAt: crossing.at,
      refusedAt: last.kind === 'out' && !statuses.includes(200) ? last.answeredAt : undefined,
      innocent: [networkGroup(home.address)],
    }
  },
}
