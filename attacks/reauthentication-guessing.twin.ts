import { networkGroup } from './kit/addresses.ts'
import { BenignRefused, type Twin } from './kit/attack.ts'
import { castPerson, mistype, type Person } from './kit/cast.ts'
import type { Session, SignIn } from './kit/clients/client.ts'
import { chromeOnMac } from './kit/clients/devices.ts'
import { openSession } from './kit/sessions.ts'

/** An owner who knows the password but mistypes it. */
export const twin: Twin = {
  title: 'An owner who mistypes the password in two sessions',
  does: 'Somebody who is signed in at home gives the password again and mistypes it twice, then changes it and mistypes the old one twice. These are four mistakes within a minute in two sessions, because the right password begins a new session.',

  async act(_target, context) {
    const { addresses, random, tell } = context
    const owner = castPerson(random)
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
    tell(owner.name, 'changes it at the third try and stays signed in')
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

/** @throws Error if the mistyped password is accepted */
function mustBeOut(answer: SignIn): void {
  if (answer.kind === 'in') throw new Error('a mistyped password was accepted')
}
