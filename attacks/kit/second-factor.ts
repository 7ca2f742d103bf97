import type { Context, Target } from './attack.ts'
import type { Person } from './cast.ts'
import { type Authenticator, createAuthenticator } from './clients/authenticator.ts'
import type { Client, Session } from './clients/client.ts'
import { cookieName } from './clients/cookie-jar.ts'
import { RequestFailed } from './clients/request-failed.ts'
import type { Outgoing, Path } from './clients/wire.ts'

/** Opens an account on its first device and sets up an authenticator. */
export async function openWithAuthenticator(
  browser: Client,
  person: Person,
  context: Context,
): Promise<{ session: Session; phone: Authenticator }> {
  await browser.register(person)
  const answer = await browser.signIn(person)
  if (answer.kind === 'refused') throw new RequestFailed(`a new account could not sign in: ${answer.status}`)
  const strong = await reauthenticate(browser, person)
  const phone = await turnOnAuthenticator(browser, context)
  context.carries(person, phone)
  return { session: strong, phone }
}

/** Re-authenticates, which a change of the second factor requires. @returns the session that replaces the former one */
export async function reauthenticate(browser: Client, { password }: Person): Promise<Session> {
  const answer = await browser.reauthenticate(password)
  if (answer.kind === 'refused')
    throw new RequestFailed(`the right password was refused at the re-authentication: ${answer.status}`)
  return answer.session
}

/** Sets up an authenticator for the account that the browser is signed in to. */
export async function turnOnAuthenticator(browser: Client, { signal }: Context): Promise<Authenticator> {
  const phone = createAuthenticator(await browser.enrol(), signal)
  await browser.confirm(await phone.next())
  return phone
}

/** Gives the right password. The account must then ask for a code. */
export async function passPassword(browser: Client, person: Person): Promise<void> {
  const answer = await browser.givePassword(person)
  if (answer.kind === 'challenged') return
  throw new RequestFailed(
    'the right password of an account with a second factor was not answered with a request for a code',
  )
}

const FACTOR_PATHS = {
  web: ['/account/totp', '/account/totp/confirm', '/account/totp/disable'],
  functions: ['/api/auth/mfa/enrol', '/api/auth/mfa/confirm', '/api/auth/mfa/disable'],
} as const satisfies Record<Target['kind'], readonly Path[]>

/** Requests that set up, turn on and turn off a second factor, with only a session token. */
export const factorChanges = ({ kind, baseUrl }: Target, { secret }: Session): readonly Outgoing[] =>
  FACTOR_PATHS[kind].map((path): Outgoing => {
    if (kind === 'functions') {
      const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
      return { method: 'POST', path, headers, ...(path.endsWith('confirm') && { body: '{"code":"123456"}' }) }
    }
    const cookie = `${cookieName(baseUrl, 'session')}=${secret}`
    const headers = { cookie, origin: baseUrl, 'content-type': 'application/x-www-form-urlencoded' }
    return { method: 'POST', path, headers, body: 'code=123456' }
  })
