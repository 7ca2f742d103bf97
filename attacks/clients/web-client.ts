import type { Account } from '../cast.ts'
import { type Client, sidOf, wordsOf } from './client.ts'
import { CookieJar } from './cookie-jar.ts'
import type { Device } from './devices.ts'
import { type Line, RequestFailed, send } from './wire.ts'

/** Screen, time zone and languages, as the sign-in page's own script collects them. */
const HINTS = JSON.stringify({ screen: '1920x1080', zone: 'Europe/Lisbon', languages: ['en-GB', 'en'] })

/** A browser that talks to the web app: forms, cookies, and an Origin with every POST. */
export function createWebClient(start: { device: Device; address: string }, line: Line): Client {
  let from = start
  const jar = new CookieJar(line.baseUrl)

  const request = async (method: 'GET' | 'POST', path: string, fields?: Record<string, string>) => {
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
  const submit = (path: string, { email, password }: Account) =>
    request('POST', path, { email, password, hints: HINTS })

  return {
    async register(account) {
      const { status, location } = await submit('/register', account)
      if (status !== 303 || !leadsTo('/login', location)) {
        throw new RequestFailed(`registration answered ${status} instead of leading to the sign-in page`)
      }
    },
    async signIn(account) {
      const { status, body, location, sentAt } = await submit('/login', account)
      if (status !== 303) return { kind: 'refused', status, words: wordsOf(body, account.email), sentAt }
      const secret = jar.session()
      if (!leadsTo('/dashboard', location) || secret === undefined) {
        throw new RequestFailed(`the sign-in led to ${location || 'nowhere'} and not to the dashboard`)
      }
      return { kind: 'in', session: { sid: sidOf(secret), secret }, sentAt }
    },
    async visit() {
      const { status, body, location, sentAt } = await request('GET', '/dashboard')
      const secret = jar.session()
      if (status === 200 && secret !== undefined && body.includes(sidOf(secret))) return { kind: 'in', sentAt }
      const out = status === 401 || (status === 303 && leadsTo('/login', location))
      if (out) return { kind: 'out', status, words: noticeOf(body) ?? 'asked to sign in', sentAt }
      throw new RequestFailed(`GET /dashboard answered ${status}, which is neither in nor out`)
    },
    hold: (stolen) => jar.holdSession(stolen.secret),
    move: (to) => {
      from = { ...from, ...to }
    },
  }
}

const leadsTo = (path: string, location: string): boolean => new URL(location, 'http://localhost').pathname === path

/** What the page tells a visitor before all else. */
const noticeOf = (page: string): string | undefined => /<p[^>]* role="status">([^<]+)<\/p>/.exec(page)?.[1]?.trim()
