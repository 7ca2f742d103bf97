import { networkGroup } from './addresses.ts'
import type { AttackContext, PreventedAttack } from './attack.ts'
import { castPeople, leakedList, type Person } from './cast.ts'
import type { SignIn } from './clients/client.ts'
import { chromeOnWindows, type Device, firefoxOnLinux, OFFICE_DEVICES, safariOnIphone } from './clients/devices.ts'
import { openSession } from './sessions.ts'
import { twin } from './throttle-oracle.twin.ts'

const ADDRESSES = 4
/** Then the account's own throttle refuses strangers. */
const FAILURES = 10
/** What most people use. */
const LOOKS: readonly Device[] = [...OFFICE_DEVICES.map((device) => device()), safariOnIphone()]
/** Passwords of a short list before the right one: with them one login stays below what is an alert. */
const WRONG = 2

export const throttleOracle: PreventedAttack = {
  slug: 'throttle-oracle',
  title: 'Reading the owner’s browser out of the throttle',
  techniques: [
    { id: 'T1110.001', name: 'Brute Force: Password Guessing' },
    { id: 'T1589.001', name: 'Gather Victim Identity Information: Credentials' },
  ],
  targets: ['web', 'functions'],
  does: `Runs an account into its throttle with ${FAILURES} wrong passwords, then tries once with each of the ${LOOKS.length} most common browsers. A service that spares the owner's kind of device would answer one of them differently. Does the same with a login that nobody has, to learn whether the account exists. Last comes the right password, from the owner's kind of browser.`,
  ends: 'prevented',
  prevention:
    'The throttle spares only a device with a token of the account. Everybody else gets the same refusal, whatever the browser, the login or the password.',
  leaves: [{ query: '@evt:login @outcome:fail @reason:throttled', atLeast: 2 * LOOKS.length + WRONG + 1 }],
  runbook: 'runbooks/ATO-006-account-brute-force.md',
  twin,

  async attack(_target, context) {
    const { addresses, random, tell } = context
    const [victim] = castPeople(1, random) as [Person]
    const home = { device: chromeOnWindows(), address: await addresses.ordinary() }
    const browser = context.client(home)
    await browser.register(victim)
    const { sid } = await openSession(browser, victim)
    tell(victim.name, `signs in at home and stays: ${home.device.name} at ${home.address}`)

    const lairs = await Promise.all(Array.from({ length: ADDRESSES }, () => addresses.attacker()))
    const tryOne = tryInTurn(lairs, context)
    const [nobody] = leakedList(1, random) as [Person]
    const answers: SignIn[] = []
    for (const email of [victim.email, nobody.email]) {
      for (const { password } of leakedList(FAILURES, random)) {
        answers.push(await tryOne({ email, password }, firefoxOnLinux()))
      }
      for (const look of LOOKS) {
        const [{ password }] = leakedList(1, random) as [Person]
        answers.push(await tryOne({ email, password }, look))
      }
    }
    for (const { password } of leakedList(WRONG, random)) {
      answers.push(await tryOne({ email: victim.email, password }, home.device))
    }
    const told = new Set(answers.map(describe))
    tell(
      'attacker',
      `tries ${LOOKS.length} browsers on both logins: ${told.size === 1 ? 'all alike' : [...told].join(' or ')}`,
    )

    const crossing = context.crossing({}, 'the right password, from the owner’s kind of browser')
    const answer = await tryOne(victim, home.device)
    told.add(describe(answer))
    const isRefused = told.size === 1 && answer.kind === 'refused'
    if (isRefused) tell('attacker', 'is refused as ever, and does not learn that it was right', answer.answeredAt)
    else tell('attacker', `LEARNS something: ${[...told].join(' or ')}`)
    await browser.signOut()
    const again = await browser.signIn(victim)
    tell(victim.name, again.kind === 'in' ? 'signs in again at home as ever' : `is refused: ${again.status}`)
    return {
      group: {},
      crossedAt: crossing.at,
      refusedAt: isRefused ? answer.answeredAt : undefined,
      innocent: [networkGroup(home.address), { '@sid': sid }],
    }
  },
}

function tryInTurn(lairs: readonly string[], context: AttackContext) {
  let tries = 0
  return ({ email, password }: Pick<Person, 'email' | 'password'>, device: Device) => {
    const address = lairs[tries++ % lairs.length] as string
    return context.intruder({ device, address }).signIn({ email, password })
  }
}

/** Everything by which two answers could be told apart. */
const describe = (answer: SignIn): string => (answer.kind === 'in' ? 'signed in' : `${answer.status} ${answer.words}`)
