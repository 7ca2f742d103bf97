import { networkGroup } from './kit/addresses.ts'
import { BenignRefused, type Twin } from './kit/attack.ts'
import { castPerson, type Person } from './kit/cast.ts'
import type { Client, Session, SignIn } from './kit/clients/client.ts'
import { chromeOnMac, firefoxOnLinux } from './kit/clients/devices.ts'
import { openWithAuthenticator } from './kit/second-factor.ts'

/** People who secure their accounts on their own devices. */
export const twin: Twin = {
  title: 'A careful newcomer, and an owner with a new password',
  does: 'Two people change their credentials minutes after signing in. One is new and sets up an authenticator at once on the first device. The other signs in again on the usual device and changes the password.',

  async act(_target, context) {
    const { addresses, random, tell } = context
    const newcomer = castPerson(random)
    const owner = castPerson(random)
    const first = await addresses.ordinary()
    const laptop = context.client({ device: firefoxOnLinux(), address: first })
    const { session } = await openWithAuthenticator(laptop, newcomer, context)
    await look(laptop, newcomer)
    tell(newcomer.name, `opens an account and sets up an authenticator at once: ${first}`)

    const home = await addresses.ordinary()
    const desk = { device: chromeOnMac(), address: home }
    const browser = context.client(desk)
    await browser.register(owner)
    const opened = mustBeIn(await browser.signIn(owner), owner)
    await browser.signOut()
    const again = mustBeIn(await browser.signIn(owner), owner)
    const changed = mustBeIn(await browser.changePassword(owner, `${owner.password}-2`), owner)
    await look(browser, owner)
    tell(owner.name, `signs in on the usual device and changes the password: ${home}`)
    return {
      groups: [
        ...[first, home].map((address) => networkGroup(address)),
        ...[session, opened, again, changed].map(({ sid }) => ({ '@sid': sid })),
      ],
      leaves: [
        { query: '@evt:mfa @outcome:enabled', atLeast: 1 },
        { query: '@evt:credential @outcome:success @action:password_changed', atLeast: 1 },
        { query: '@evt:session @outcome:new', atLeast: 4 },
        { query: '@evt:session @outcome:seen', atLeast: 2 },
      ],
    }
  },
}

function mustBeIn(answer: SignIn, person: Person): Session {
  if (answer.kind === 'refused') throw new BenignRefused(`${person.name} was kept out with ${answer.status}`)
  return answer.session
}

async function look(browser: Client, person: Person): Promise<void> {
  const visit = await browser.visit()
  if (visit.kind === 'out') throw new BenignRefused(`${person.name} was signed out at once: ${visit.words}`)
}
