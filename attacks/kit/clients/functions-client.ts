import type { Account } from '../cast.ts'
import { type Client, genOf, type Session, type SignIn, sidOf, wordsOf } from './client.ts'
import type { Device } from './devices.ts'
import { registerByMail } from './mailbox.ts'
import { RequestFailed } from './request-failed.ts'
import { type Answer, type Line, type Path, send } from './wire.ts'

/** A script that uses the auth API with JSON and a bearer token. */
export function createFunctionsClient(start: { device: Device; address: string }, line: Line): Client {
  let from = start
  let session: Session | undefined
  let mfaToken = ''
  /** Epoch ms before which the service does not renew the current token. */
  let renewAt = 0
  let deviceToken: string | undefined
  /** The secret that proves, together with the link, that this client registered. */
  let registration: unknown

  const bearer = (): Record<string, string> => (session ? { authorization: `Bearer ${session.secret}` } : {})
  const post = (path: Path, data?: Record<string, unknown>, headers: Record<string, string> = {}) => {
    if (data === undefined) return send({ method: 'POST', path, headers }, from, line)
    const json = { ...headers, 'content-type': 'application/json' }
    return send({ method: 'POST', path, headers: json, body: JSON.stringify(data) }, from, line)
  }
  const postSignedIn = (path: Path, data?: Record<string, unknown>) => post(path, data, bearer())
  /** A script keeps its device token as a browser keeps its device cookie. */
  const ownDevice = () => (deviceToken === undefined ? {} : { device_token: deviceToken })
  const deviceFields = () => ({ ...ownDevice(), remember_device: true })
  /** @param typed text that the refusal may repeat */
  const admitted = ({ status, body, sentAt, answeredAt }: Answer, typed: string): SignIn => {
    const timed = { sentAt, answeredAt }
    if (status !== 200) return { kind: 'refused', status, words: wordsOf(body, typed), ...timed }
    const { token, device_token } = parse(body)
    if (typeof device_token === 'string') deviceToken = device_token
    if (typeof token !== 'string') throw new RequestFailed('the sign-in answered 200 without a token')
    session = { sid: sidOf(token), secret: token }
    mfaToken = ''
    return { kind: 'in', session, ...timed }
  }
  const requestAccount = async ({ email, password }: Account) => {
    const { body } = mustAnswer(202, await post('/api/auth/register', { email, password }), 'registration')
    registration = parse(body).registration
  }
  const givePassword: Client['givePassword'] = async (account) => {
    const { email, password } = account
    const answer = await post('/api/auth/login', { email, password, ...deviceFields() })
    const { mfa_token } = parse(answer.body)
    if (answer.status !== 200 || typeof mfa_token !== 'string') return admitted(answer, email)
    mfaToken = mfa_token
    return { kind: 'challenged', sentAt: answer.sentAt, answeredAt: answer.answeredAt }
  }

  const visit: Client['visit'] = async () => {
    const request = { method: 'GET', path: '/api/auth/session', headers: bearer() } as const
    const { status, body, sentAt, answeredAt } = await send(request, from, line)
    const answer = parse(body)
    if (status === 200 && answer.sid === session?.sid) return { kind: 'in', sentAt, answeredAt }
    if (status === 401) return { kind: 'out', status, words: String(answer.title ?? ''), sentAt, answeredAt }
    throw new RequestFailed(`GET /api/auth/session answered ${status}, which neither accepts nor refuses the session`)
  }

  return {
    register: (account) =>
      registerByMail(account, line.mailbox, {
        request: () => requestAccount(account),
        async confirm(token) {
          mustAnswer(200, await post('/api/auth/confirm', { token, registration }), 'the confirmation of the address')
        },
      }),
    requestAccount,
    async signIn(account) {
      const answer = await givePassword(account)
      if (answer.kind === 'challenged') throw new RequestFailed('the sign-in requires a code')
      return answer
    },
    givePassword,
    enterCode: async (code) =>
      admitted(await post('/api/auth/mfa/verify', { mfa_token: mfaToken, code, ...deviceFields() }), code),
    visit,
    async enrol() {
      const { secret } = parse(mustAnswer(200, await postSignedIn('/api/auth/mfa/enrol'), 'the enrolment').body)
      if (typeof secret !== 'string') throw new RequestFailed('the enrolment answered 200 without a secret')
      return secret
    },
    async confirm(code) {
      mustAnswer(204, await postSignedIn('/api/auth/mfa/confirm', { code }), 'the confirmation')
    },
    reauthenticate: async (password) => admitted(await postSignedIn('/api/auth/reauth', { password }), password),
    async changePassword({ password }, next) {
      return admitted(
        await postSignedIn('/api/auth/password', { current_password: password, new_password: next, ...ownDevice() }),
        next,
      )
    },
    async signOut() {
      mustAnswer(204, await postSignedIn('/api/auth/logout'), 'the sign-out')
      session = undefined
    },
    async endOther(sid) {
      mustAnswer(204, await postSignedIn(`/api/auth/sessions/${sid}/end`), 'the end of another session')
    },
    async renew() {
      const before = session
      if (Date.now() < renewAt) {
        await visit()
        return false
      }
      const answer = await postSignedIn('/api/auth/session/renew')
      renewAt = answer.sentAt + 1000 * Number(answer.headers.get('retry-after') ?? 0)
      const renewed = admitted(answer, '(nothing)')
      return before !== undefined && renewed.kind === 'in' && genOf(renewed.session.secret) > genOf(before.secret)
    },
    hold: (stolen) => {
      session = stolen
      renewAt = 0
    },
    send: (outgoing) => send(outgoing, from, line),
    belongings: () => ({ session, challenge: mfaToken === '' ? undefined : mfaToken }),
    move: (to) => {
      from = { ...from, ...to }
    },
  }
}

/** @throws RequestFailed for any other status */
function mustAnswer(status: number, answer: Answer, what: string): Answer {
  if (answer.status === status) return answer
  throw new RequestFailed(`${what} answered ${answer.status} instead of ${status}`)
}

function parse(body: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(body))
  } catch {
    return {}
  }
}
