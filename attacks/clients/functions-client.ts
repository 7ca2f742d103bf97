import type { Account } from '../cast.ts'
import { type Client, type Session, sidOf, wordsOf } from './client.ts'
import type { Device } from './devices.ts'
import { type Line, RequestFailed, send } from './wire.ts'

/** A script that talks to the auth API: JSON in, JSON out, the token as a bearer. */
export function createFunctionsClient(start: { device: Device; address: string }, line: Line): Client {
  let from = start
  let session: Session | undefined

  const post = (path: string, account: Account) =>
    send(
      {
        method: 'POST',
        path,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email: account.email, password: account.password }),
      },
      from,
      line,
    )

  return {
    async register(account) {
      const { status } = await post('/api/auth/register', account)
      if (status !== 202) throw new RequestFailed(`registration answered ${status} instead of 202`)
    },
    async signIn(account) {
      const { status, body, sentAt } = await post('/api/auth/login', account)
      if (status !== 200) return { kind: 'refused', status, words: wordsOf(body, account.email), sentAt }
      const { token } = parse(body)
      if (typeof token !== 'string') throw new RequestFailed('the sign-in answered 200 without a token')
      session = { sid: sidOf(token), secret: token }
      return { kind: 'in', session, sentAt }
    },
    async visit() {
      const headers: Record<string, string> = session ? { authorization: `Bearer ${session.secret}` } : {}
      const { status, body, sentAt } = await send({ method: 'GET', path: '/api/auth/session', headers }, from, line)
      const answer = parse(body)
      if (status === 200 && answer.sid === session?.sid) return { kind: 'in', sentAt }
      if (status === 401) return { kind: 'out', status, words: String(answer.title ?? ''), sentAt }
      throw new RequestFailed(`GET /api/auth/session answered ${status}, which is neither in nor out`)
    },
    hold: (stolen) => {
      session = stolen
    },
    move: (to) => {
      from = { ...from, ...to }
    },
  }
}

function parse(body: string): Record<string, unknown> {
  try {
    return JSON.parse(body) as Record<string, unknown>
  } catch {
    return {}
  }
}
