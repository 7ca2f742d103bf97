import { networkGroup } from './addresses.ts'
import { BenignRefused, type Group, type TargetKind, type Twin } from './attack.ts'
import { castPeople, mistype, type Person } from './cast.ts'
import { firefoxOnLinux, OFFICE_DEVICES } from './clients/devices.ts'
import { openOnTwoDevices, presentUntilRefused } from './sessions.ts'

const PEOPLE = 6

/** Whose containment the attack has refused: another one on each host, so that neither alert is taken for the other. */
export const REFUSED = { web: 'credential-stuffing', functions: 'canary-account' } as const satisfies Record<
  TargetKind,
  string
>

/** Those who belong behind the address, and a containment that works. */
export const twin: Twin = {
  title: 'Colleagues behind the service’s own egress, and a theft that is contained',
  does: `${PEOPLE} colleagues whose office goes out by one of the service’s own addresses mistype once each and get in. Somewhere else a session is stolen, and ended at once, as it should be.`,

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
    tell('office', `${PEOPLE} colleagues mistype once and get in: ${office}`)

    const [victim] = castPeople(1, random) as [Person]
    const { stolen } = await openOnTwoDevices(victim, context)
    const lair = { device: firefoxOnLinux(), address: await addresses.attacker() }
    await presentUntilRefused(context.intruder(lair), stolen, context)
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
