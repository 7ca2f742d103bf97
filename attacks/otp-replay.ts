import type { Attack } from './kit/attack.ts'
import { castPerson } from './kit/cast.ts'
import { userOf } from './kit/clients/client.ts'
import { chromeOnMac, chromeOnWindows } from './kit/clients/devices.ts'
import { RequestFailed } from './kit/clients/request-failed.ts'
import { openWithAuthenticator, passPassword } from './kit/second-factor.ts'
import { useUntilRefused } from './kit/until-refused.ts'
import { twin } from './otp-replay.twin.ts'

export const otpReplay: Attack = {
  slug: 'otp-replay',
  title: 'A phishing proxy that takes password and code',
  techniques: [
    { id: 'T1557', name: 'Adversary-in-the-Middle' },
    { id: 'T1111', name: 'Multi-Factor Authentication Interception' },
  ],
  targets: ['web', 'functions'],
  does: 'Relays what a person types into a page that looks like ours: the password, then the code while it is valid. The page then sends its victim to the real page, where the same code is refused: each code opens one session, and the thief used it first.',
  trips: 'otp-replay',
  runbook: 'runbooks/ATO-009-otp-replay.md',
  twin,

  async attack(_target, context) {
    const { addresses, random, tell } = context
    const victim = castPerson(random)
    const home = { device: chromeOnWindows(), address: await addresses.ordinary() }
    const browser = context.client(home)
    const { session, phone } = await openWithAuthenticator(browser, victim, context)
    await browser.signOut()
    tell(victim.name, `has an authenticator, and is not signed in: ${home.device.name} at ${home.address}`)

    const source = { device: chromeOnMac(), address: await addresses.attacker() }
    const thief = context.intruder(source)
    const code = await phone.next()
    await passPassword(thief, victim)
    const entry = await thief.enterCode(code)
    if (entry.kind === 'refused') throw new RequestFailed(`a fresh code was refused: ${entry.status}`)
    tell('thief', `relays what ${victim.name} types into a phishing page: ${source.device.name} at ${source.address}`)

    await passPassword(browser, victim)
    const replay = async () => {
      const answer = await browser.enterCode(code)
      if (answer.kind === 'in') throw new RequestFailed('the same code was accepted twice')
      tell(victim.name, `gives the same code on the real page and is refused: ${answer.status}`)
    }
    await replay()
    const group = { '@usr.id': userOf(session) }
    const crossing = context.crossing(group, 'the second replay')
    await replay()
    const isIn = 'is signed in: password and code were right and came first'
    const refusedAt = await useUntilRefused(thief, { name: 'thief', isIn }, crossing, context)

    await crossing.alerted
    return { group, crossedAt: crossing.at, refusedAt }
  },
}
