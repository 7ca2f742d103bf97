import { networkGroup } from './kit/addresses.ts'
import { BenignRefused, type Group, type TargetKind, type Twin } from './kit/attack.ts'
import { castPeople, castPerson, mistype } from './kit/cast.ts'
import { firefoxOnLinux, OFFICE_DEVICES } from './kit/clients/devices.ts'
import { openOnTwoDevices, presentUntilRefused } from './kit/sessions.ts'

const PEOPLE = 6

/** The detection whose containment is refused, one for each host, so that their alerts stay apart. */
export const REFUSED = { web: 'credential-stuffing', functions: 'canary-account' } as const satisfies Record<
  TargetKind,
  string
>

/** Legitimate users of the address, and a containment that succeeds. */
export const twin: Twin = {
  title: 'Colleagues behind the service’s own egress, and a theft that is contained',
  does: `${PEOPLE} colleagues whose office uses one of the service’s own egress addresses mistype once each and sign in. Elsewhere a session is stolen and contained.`,

  async act(target, context) {
    const { addresses, random, tell } = context
    const office = await addresses.own()
    const groups: Group[] = [networkGroup(office)]
    for (const person of castPeople(PEOPLE, random)) {
      const browser = context.client({ device: random.pick(OFFICE_DEVICES)(), address: office })
      await browser.register(person)
      const slip = await browser.signIn({ ...person, password: mistype(person.password, random) })
      if (slip.kind === 'in') throw new Error('a mistyped password was accepted')
      const answer = await browser.signIn(person)
      if (answer.kind === 'refused') throw new BenignRefused(`${person.name} was kept out with ${answer.status}`)
      groups.push({ '@sid': answer.session.sid })
    }
    tell('office', `${PEOPLE} colleagues mistype once and sign in: ${office}`)

    const victim = castPerson(random)
    const { stolen } = await openOnTwoDevices(victim, context)
    const source = { device: firefoxOnLinux(), address: await addresses.attacker() }
    await presentUntilRefused(context.intruder(source), stolen, context)
    tell('thief', `has used ${victim.name}'s session until it was ended`)
    return {
      groups: [...groups, { '@detection': REFUSED[target.kind] }, { '@detection': 'session-reuse' }],
      aftermathOf: [{ monitor: 'session-reuse', group: { '@sid': stolen.sid } }],
      leaves: [
        { query: '@evt:login @outcome:fail @reason:wrong_password', atLeast: PEOPLE },
        { query: '@evt:login @outcome:success', atLeast: PEOPLE },
        { query: '@evt:session @outcome:revoked @reason:contained', atLeast: 1 },
      ],
    }
  },
}
