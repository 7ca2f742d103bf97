import { randomBytes } from 'node:crypto'
import { Agent, request as send } from 'node:http'
import { text } from 'node:stream/consumers'
import { type Mailbox, registerByMail } from '../attacks/kit/clients/mailbox.ts'

const USER_AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0'

/** A person with an account and an address of their own, so that no limit of the product affects the measurement. */
export interface Person {
  readonly email: string
  readonly password: string
  readonly address: string
}

/** `count` people, each in the network of another subscriber. @see RFC 3849 */
export const inventPeople = (count: number): Person[] =>
  Array.from({ length: count }, (_, i) => ({
    email: `bench-${i}@example.test`,
    password: randomBytes(18).toString('base64url'),
    address: `2001:db8:0:${(i + 1).toString(16)}::1`,
  }))

/** The address of the sender of webhooks. */
const DATADOG = { address: '2001:db8:dd::1' }

/** A client of the auth API with kept connections, on plain `node:http`, which uses the least CPU of the shared cores. */
export interface Client {
  register(person: Person): Promise<void>
  /** @returns the session's token */
  signIn(person: Person): Promise<string>
  /** `GET /api/auth/session` */
  check(person: Person, token: string): Promise<void>
  /** Whether a session is accepted. @throws for an answer that neither accepts nor refuses it */
  isIn(person: Person, token: string): Promise<boolean>
  /** Sends `POST /api/contain` like Datadog's webhook. */
  alert(payload: object): Promise<void>
  /** Closes the connections. */
  close(): void
}

/** The measured functions. */
export interface Service {
  /** The port of the functions' host. */
  readonly port: number
  /** The mailbox of the functions. */
  readonly mailbox: Mailbox
  readonly webhookSecret: string
}

/** Creates a client whose calls reject for an unexpected answer. */
export function createClient({ port, mailbox, webhookSecret }: Service): Client {
  const agent = new Agent({ keepAlive: true })

  const call = async (
    method: 'GET' | 'POST',
    path: string,
    { address }: Pick<Person, 'address'>,
    { token, body, headers }: { token?: string; body?: object; headers?: Readonly<Record<string, string>> },
  ): Promise<{ status: number; body: string }> => {
    const content = body && JSON.stringify(body)
    const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
      const outgoing = send({
        agent,
        method,
        path,
        port,
        host: '127.0.0.1',
        headers: {
          'user-agent': USER_AGENT,
          // Set by the edge in a deployment.
          'x-forwarded-for': `[${address}]:50000`,
          ...headers,
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(content !== undefined && {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(content),
          }),
        },
      })
      outgoing.on('response', resolve)
      outgoing.on('error', reject)
      outgoing.end(content)
    })
    return { status: response.statusCode ?? 0, body: await text(response) }
  }
  const expect = async (wanted: number, what: string, answering: ReturnType<typeof call>) => {
    const { status, body } = await answering
    if (status !== wanted) throw new Error(`${what} was answered ${status}: ${body.slice(0, 300)}`)
    return body
  }

  return {
    register(person) {
      const { email, password } = person
      const post = (path: string, body: object) => call('POST', path, person, { body })
      let registration = ''
      return registerByMail(person, mailbox, {
        async request() {
          const answer = await expect(202, 'a registration', post('/api/auth/register', { email, password }))
          registration = (JSON.parse(answer) as { registration: string }).registration
        },
        async confirm(token) {
          await expect(200, 'a confirmation', post('/api/auth/confirm', { token, registration }))
        },
      })
    },
    async signIn(person) {
      const { email, password } = person
      const answer = call('POST', '/api/auth/login', person, { body: { email, password } })
      const { token } = JSON.parse(await expect(200, 'a sign-in', answer)) as { token: string }
      return token
    },
    async check(person, token) {
      await expect(200, 'a session check', call('GET', '/api/auth/session', person, { token }))
    },
    async isIn(person, token) {
      const { status, body } = await call('GET', '/api/auth/session', person, { token })
      if (status !== 200 && status !== 401) throw new Error(`a session check was answered ${status}: ${body}`)
      return status === 200
    },
    async alert(payload) {
      const headers = { 'x-ato-webhook-secret': webhookSecret }
      await expect(200, 'an alert', call('POST', '/api/contain', DATADOG, { headers, body: payload }))
    },
    close: () => agent.destroy(),
  }
}
