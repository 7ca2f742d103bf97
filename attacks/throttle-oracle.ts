import { networkGroup } from './kit/addresses.ts'
import type { AttackContext, PreventedAttack } from './kit/attack.ts'
import { castPerson, leakedList, leakedLogin, type Person } from './kit/cast.ts'
import type { SignIn } from './kit/clients/client.ts'
import { chromeOnWindows, type Device, firefoxOnLinux, OFFICE_DEVICES, safariOnIphone } from './kit/clients/devices.ts'
import { inTurn } from './kit/in-turn.ts'
import { openSession } from './kit/sessions.ts'
import { twin } from './throttle-oracle.twin.ts'

const ADDRESSES = 4
/** After this many, the account's throttle refuses unknown devices. */
const FAILURES = 10
/** The most common devices. */
const COMMON_DEVICES: readonly Device[] = [...OFFICE_DEVICES.map((device) => device()), safariOnIphone()]
/** Wrong passwords before the right one; together with them the login stays below the alert's threshold. */
const WRONG = 2

export const throttleOracle: PreventedAttack = {
  slug: 'throttle-oracle',
  title: 'Finding out the owner’s browser through the throttle',
  techniques: [
    { id: 'T1110.001', name: 'Brute Force: Password Guessing' },
    { id: 'T1589.001', name: 'Gather Victim Identity Information: Credentials' },
  ],
  targets: ['web', 'functions'],
  does: `Triggers an account's throttle with ${FAILURES} wrong passwords, then tries once with each of the ${COMMON_DEVICES.length} most common browsers. A service that spares the owner's kind of device would answer one of them differently. Repeats this with an unknown login, to learn whether the account exists. Finally tries the right password from the owner's kind of browser.`,
  ends: 'prevented',
  prevention:
    'The throttle spares only a device with a token of the account. All others get the same refusal, whatever the browser, the login or the password.',
  leaves: [{ query: '@evt:login @outcome:fail @reason:throttled', atLeast: 2 * COMMON_DEVICES.length + WRONG + 1 }],
  runbook: 'runbooks/ATO-006-account-brute-force.md',
  twin,

  async attack(_target, context) {
    const { addresses, random, tell } = context
    const victim = castPerson(random)
    const home = { device: chromeOnWindows(), address: await addresses.ordinary() }
    const browser = context.client(home)
    await browser.register(victim)
    const { sid } = await openSession(browser, victim)
    tell(victim.name, `signs in at home and stays: ${home.device.name} at ${home.address}`)

    const sources = await Promise.all(Array.from({ length: ADDRESSES }, () => addresses.attacker()))
    const tryOne = tryFrom(sources, context)
    const nobody = leakedLogin(random)
    const answers: SignIn[] = []
    for (const email of [victim.email, nobody.email]) {
      for (const { password } of leakedList(FAILURES, random)) {
        answers.push(await tryOne({ email, password }, firefoxOnLinux()))
      }
      for (const device of COMMON_DEVICES) {
        const { password } = leakedLogin(random)
        answers.push(await tryOne({ email, password }, device))
      }
    }
    for (const { password } of leakedList(WRONG, random)) {
      answers.push(await tryOne({ email: victim.email, password }, home.device))
    }
    const answersSeen = new Set(answers.map(describe))
    tell(
      'attacker',
      `tries ${COMMON_DEVICES.length} browsers on both logins: ${answersSeen.size === 1 ? 'all alike' : [...answersSeen].join(' or ')}`,
    )

    const crossing = context.crossing({}, 'the right password, from the owner’s kind of browser')
    const answer = await tryOne(victim, home.device)
    answersSeen.add(describe(answer))
    const isRefused = answersSeen.size === 1 && answer.kind === 'refused'
    if (isRefused)
      tell('attacker', 'gets the same refusal and does not learn that the password was right', answer.answeredAt)
    else tell('attacker', `LEARNS something: ${[...answersSeen].join(' or ')}`)
    await browser.signOut()
    const again = await browser.signIn(victim)
    tell(victim.name, again.kind === 'in' ? 'signs in again at home as before' : `is refused: ${again.status}`)
    return {
      group: {},
      crossedAt: crossing.at,
      refusedAt: isRefused ? answer.answeredAt : undefined,
      innocent: [networkGroup(home.address), { '@sid': sid }],
    }
  },
}

function tryFrom(sources: readonly string[], context: AttackContext) {
  const nextAddress = inTurn(sources)
  return ({ email, password }: Pick<Person, 'email' | 'password'>, device: Device) => {
    return context.intruder({ device, address: nextAddress() }).signIn({ email, password })
  }
}

/** Everything by which two answers can be distinguished. */
const describe = (answer: SignIn): string => (answer.kind === 'in' ? 'signed in' : `${answer.status} ${answer.words}`)
