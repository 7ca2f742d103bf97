import { LEARNING } from '../shared/geo/travel.ts'
import { signInDaily, twin } from './impossible-travel.twin.ts'
import type { Attack } from './kit/attack.ts'
import { castPerson } from './kit/cast.ts'
import { chromeOnWindows } from './kit/clients/devices.ts'
import { RequestFailed } from './kit/clients/request-failed.ts'
import { useUntilRefused } from './kit/until-refused.ts'

export const impossibleTravel: Attack = {
  slug: 'impossible-travel',
  title: 'Sign-in from the other side of the world',
  techniques: [{ id: 'T1078', name: 'Valid Accounts' }],
  targets: ['web', 'functions'],
  does: 'Signs in with a stolen password, right at the first try, with a browser like the owner’s. But the owner was at home a moment ago, and this is the other side of the world.',
  trips: 'impossible-travel',
  runbook: 'runbooks/ATO-003-impossible-travel.md',
  twin,

  async attack(_target, context) {
    const { addresses, random, tell } = context
    const victim = castPerson(random)
    const home = { device: chromeOnWindows(), address: await addresses.ordinary() }
    await context.client(home).register(victim)
    await signInDaily(victim, home, context)
    tell(victim.name, `has signed in at home ${LEARNING.logins} times: ${home.device.name} at ${home.address}`)

    const source = { device: chromeOnWindows(), address: await addresses.distant() }
    const thief = context.intruder(source)
    const entry = await thief.signIn(victim)
    if (entry.kind === 'refused') throw new RequestFailed(`the right password was refused: ${entry.status}`)
    const group = { '@sid': entry.session.sid }
    tell('thief', `has the password, and the same kind of browser: ${source.device.name} at ${source.address}`)
    const crossing = context.crossing(group, 'the sign-in', entry.sentAt)
    const isIn = 'is signed in: the password was right at the first try'
    const refusedAt = await useUntilRefused(thief, { name: 'thief', isIn }, crossing, context)

    await crossing.alerted
    return { group, crossedAt: crossing.at, refusedAt }
  },
}
