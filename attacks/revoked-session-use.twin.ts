import { networkGroup } from './kit/addresses.ts'
import { BenignRefused, type Context, type Twin } from './kit/attack.ts'
import { castPerson, type Person } from './kit/cast.ts'
import type { Client, Session } from './kit/clients/client.ts'
import { chromeOnMac, chromeOnWindows, firefoxOnLinux, safariOnIphone } from './kit/clients/devices.ts'
import { openSession, present, presentUntilRefused } from './kit/sessions.ts'

/** The page is opened and reloaded once; a person who reads its text stops then. */
const RELOADS = 2
/** Reloads of a page that reloads itself. */
const RETRIES = 8

/** Ended sessions that their owners still use. */
export const twin: Twin = {
  title: 'The owner of a contained session, and tabs that were signed out',
  does: `After a theft the victim opens the laptop, reads that the session was ended, reloads, and signs in again. The thief stops at the first refusal. Somebody else has three tabs open whose sessions have ended (by signing out, from the phone, and by a new password), and each of them retries ${RETRIES} times.`,

  async act(_target, context) {
    const { addresses, random, tell } = context
    const victim = castPerson(random)
    const tidy = castPerson(random)
    const home = { device: chromeOnWindows(), address: await addresses.ordinary() }
    const laptop = context.client(home)
    await laptop.register(victim)
    const stolen = await openSession(laptop, victim)
    const source = { device: firefoxOnLinux(), address: await addresses.attacker() }
    await presentUntilRefused(context.intruder(source), stolen, context)
    tell('thief', `has used ${victim.name}'s session until it was contained, and stops`)
    for (let reloads = 0; reloads < RELOADS; reloads++) await present(laptop, stolen)
    await comeIn(laptop, victim)
    tell(victim.name, `loads the page ${RELOADS} times, and signs in again at ${home.address}`)

    const office = await addresses.ordinary()
    const tabs = await endedSessions(tidy, office, context)
    for (const { tab, session } of tabs) {
      for (let retries = 0; retries < RETRIES; retries++) await present(tab, session)
    }
    tell(tidy.name, `leaves ${tabs.length} signed-out tabs open at ${office}, which retry ${RETRIES} times each`)
    return {
      groups: [networkGroup(home.address), networkGroup(office), networkGroup(source.address)],
      aftermathOf: [{ monitor: 'session-reuse', group: { '@sid': stolen.sid } }],
      leaves: [
        { query: '@evt:session @outcome:revoked @reason:contained', atLeast: 1 + RELOADS },
        { query: '@evt:session @outcome:expired', atLeast: RETRIES },
        { query: '@evt:session @outcome:revoked @reason:ended_elsewhere', atLeast: RETRIES },
        { query: '@evt:session @outcome:revoked @reason:password_changed', atLeast: RETRIES },
      ],
    }
  },
}

/** Three sessions of one person, each ended in another way. */
async function endedSessions(person: Person, address: string, context: Context) {
  const phone = context.client({ device: safariOnIphone(), address: await context.addresses.mobile() })
  await phone.register(person)
  await comeIn(phone, person)
  const open = async (): Promise<{ tab: Client; session: Session }> => {
    const tab = context.client({ device: chromeOnMac(), address })
    return { tab, session: await comeIn(tab, person) }
  }
  const [signedOut, endedElsewhere, outdated] = [await open(), await open(), await open()]
  await signedOut.tab.signOut()
  await phone.endOther(endedElsewhere.session.sid)
  const changed = await phone.changePassword(person, `${person.password}-anew`)
  if (changed.kind === 'refused') throw new BenignRefused(`${person.name} could not change the password`)
  return [signedOut, endedElsewhere, outdated]
}

async function comeIn(client: Client, person: Person): Promise<Session> {
  const answer = await client.signIn(person)
  if (answer.kind === 'refused') throw new BenignRefused(`${person.name} was kept out with ${answer.status}`)
  return answer.session
}
