import type { Account } from '../cast.ts'
import { type Client, genOf, type Session, type SignIn, sidOf, wordsOf } from './client.ts'
import { CookieJar } from './cookie-jar.ts'
import type { Device } from './devices.ts'
import { registerByMail } from './mailbox.ts'
import { RequestFailed } from './request-failed.ts'
import { type Answer, type Line, type Path, send } from './wire.ts'

/** Screen, time zone and languages, as collected by the script of the sign-in page. */
const HINTS = JSON.stringify({ screen: '1920x1080', zone: 'Europe/Lisbon', languages: ['en-GB', 'en'] })

type Page = Answer & { readonly location: string }

/** A browser that uses the web app with forms, cookies, and an Origin in every POST. */
export function createWebClient(start: { device: Device; address: string }, line: Line): Client {
  let from = start
  const jar = new CookieJar(line.baseUrl)

  const request = async (method: 'GET' | 'POST', path: Path, fields?: Record<string, string>): Promise<Page> => {
    const headers: Record<string, string> = { accept: 'text/html' }
    const cookies = jar.header()
    if (cookies !== '') headers.cookie = cookies
    if (fields) {
      headers['content-type'] = 'application/x-www-form-urlencoded'
      headers.origin = line.baseUrl
    }
    const body = fields && new URLSearchParams(fields).toString()
    const answer = await send({ method, path, headers, ...(body !== undefined && { body }) }, from, line)
    jar.take(answer.headers.getSetCookie())
    return { ...answer, location: answer.headers.get('location') ?? '' }
  }
  const submit = (path: Path, fields: Record<string, string>) => request('POST', path, fields)
  const submitAccount = (path: Path, { email, password }: Account) => submit(path, { email, password, hints: HINTS })

  const held = (): Session | undefined => {
    const secret = jar.session()
    return secret === undefined ? undefined : { sid: sidOf(secret), secret }
  }
  /** @param place the redirect after a success @param typed text that the refusal may repeat */
  const admitted = ({ status, body, location, sentAt, answeredAt }: Page, place: string, typed: string): SignIn => {
    const timed = { sentAt, answeredAt }
    if (status !== 303) return { kind: 'refused', status, words: wordsOf(body, typed), ...timed }
    const session = held()
    if (!leadsTo(place, location) || !session) {
      throw new RequestFailed(`the sign-in led to ${location || 'nowhere'} and not to ${place}`)
    }
    return { kind: 'in', session, ...timed }
  }
  const requestAccount = async (account: Account) =>
    mustLeadTo('/register/sent', await submitAccount('/register', account), 'registration')
  const givePassword: Client['givePassword'] = async (account) => {
    const page = await submitAccount('/login', account)
    if (page.status === 303 && leadsTo('/mfa', page.location)) {
      return { kind: 'challenged', sentAt: page.sentAt, answeredAt: page.answeredAt }
    }
    return admitted(page, '/dashboard', account.email)
  }

  return {
    register: (account) =>
      registerByMail(account, line.mailbox, {
        request: () => requestAccount(account),
        confirm: async (token) =>
          mustLeadTo('/login', await submit('/confirm', { token }), 'the confirmation of the address'),
      }),
    requestAccount,
    async signIn(account) {
      const answer = await givePassword(account)
      if (answer.kind === 'challenged') throw new RequestFailed('the sign-in requires a code')
      return answer
    },
    givePassword,
    enterCode: async (code) => admitted(await submit('/mfa', { code, hints: HINTS }), '/dashboard', code),
    async visit() {
      const { status, body, location, sentAt, answeredAt } = await request('GET', '/dashboard')
      const session = held()
      if (status === 200 && session && body.includes(session.sid)) return { kind: 'in', sentAt, answeredAt }
      const out = status === 401 || (status === 303 && leadsTo('/login', location))
      if (out) return { kind: 'out', status, words: noticeOf(body) ?? 'asked to sign in', sentAt, answeredAt }
      throw new RequestFailed(`GET /dashboard answered ${status}, which neither accepts nor refuses the session`)
    },
    async enrol() {
      const { status, body } = await submit('/account/totp', {})
      const secret = secretOn(body)
      if (status !== 200 || secret === undefined) {
        throw new RequestFailed(`the enrolment answered ${status} without a secret`)
      }
      return secret
    },
    async confirm(code) {
      mustLeadTo('/account', await submit('/account/totp/confirm', { code }), 'the confirmation')
    },
    reauthenticate: async (password) =>
      admitted(await submit('/account/reauth', { password, place: 'account' }), '/account', password),
    async changePassword({ password }, next) {
      const page = await submit('/account/password', { current_password: password, new_password: next })
      return admitted(page, '/account', next)
    },
    async signOut() {
      mustLeadTo('/login', await submit('/logout', {}), 'the sign-out')
    },
    async endOther(sid) {
      mustLeadTo('/dashboard', await submit('/dashboard/end', { sid }), 'the end of another session')
    },
    async renew() {
      const before = held()
      await request('GET', '/dashboard')
      const after = held()
      return before !== undefined && after !== undefined && genOf(after.secret) > genOf(before.secret)
    },
    hold: (stolen) => jar.holdSession(stolen.secret),
    send: (outgoing) => send(outgoing, from, line),
    belongings: () => ({ session: held(), challenge: jar.challenge() }),
    move: (to) => {
      from = { ...from, ...to }
    },
  }
}

const leadsTo = (path: string, location: string): boolean => new URL(location, 'http://localhost').pathname === path

/** @throws RequestFailed unless the answer redirects there */
function mustLeadTo(path: string, { status, location }: Page, what: string): void {
  if (status !== 303 || !leadsTo(path, location)) {
    throw new RequestFailed(`${what} answered ${status} instead of leading to ${path}`)
  }
}

/** The notice at the top of a page. */
const noticeOf = (page: string): string | undefined => /<p[^>]* role="status">([^<]+)<\/p>/.exec(page)?.[1]?.trim()

/** The key of an authenticator, which the page shows in groups of four. @see RFC 4648 6 */
const secretOn = (page: string): string | undefined =>
  /<span[^>]*>Key<\/span>\s*<code>([A-Z2-7 ]+)<\/code>/.exec(page)?.[1]?.replaceAll(' ', '')
