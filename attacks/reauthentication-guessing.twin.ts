import { networkGroup } from './addresses.ts'
import { BenignRefused, type Twin } from './attack.ts'
import { castPeople, mistype, type Person } from './cast.ts'
import type { Session, SignIn } from './clients/client.ts'
import { chromeOnMac } from './clients/devices.ts'
import { openSession } from './sessions.ts'

/** An owner who knows the password, and does not always hit the keys. */
export const twin: Twin = {
  title: 'An owner who mistypes the password, twice and twice again',
  does: 'Somebody who is signed in at home gives the password again and mistypes it twice, then changes it and mistypes the old one twice: four slips within a minute, in two sessions, because giving the right one begins a new one.',

  async act(_target, context) {
    const { addresses, random, tell } = context
    const [owner] = castPeople(1, random) as [Person]
    const address = await addresses.ordinary()
    const browser = context.client({ device: chromeOnMac(), address })
    await browser.register(owner)
    const first = await openSession(browser, owner)
    const slip = () => mistype(owner.password, random)

    mustBeOut(await browser.reauthenticate(slip()))
    mustBeOut(await browser.reauthenticate(slip()))
    const second = mustBeIn(await browser.reauthenticate(owner.password), owner)
    tell(owner.name, `gives the password again at the third try: ${address}`)
    const next = `${owner.password}-2`
    mustBeOut(await browser.changePassword({ ...owner, password: slip() }, next))
    mustBeOut(await browser.changePassword({ ...owner, password: slip() }, next))
    const third = mustBeIn(await browser.changePassword(owner, next), owner)
    const visit = await browser.visit()
    if (visit.kind === 'out') throw new BenignRefused(`${owner.name} was signed out: ${visit.words}`)
    tell(owner.name, 'changes it at the third try, and goes on')
    return {
      groups: [networkGroup(address), ...[first, second, third].map(({ sid }) => ({ '@sid': sid }))],
      leaves: [
        { query: '@evt:credential @outcome:fail @reason:wrong_password', atLeast: 4 },
        { query: '@evt:credential @outcome:success @action:password_changed', atLeast: 1 },
        { query: '@evt:session @outcome:new', atLeast: 3 },
      ],
    }
  },
}

function mustBeIn(answer: SignIn, person: Person): Session {
  if (answer.kind === 'refused') throw new BenignRefused(`${person.name} was kept out with ${answer.status}`)
  return answer.session
}

/** The slip was meant to be one. */
function mustBeOut(answer: SignIn): void {
  if (answer.kind === 'in') throw new Error('a mistyped password was taken for the right one')
}
