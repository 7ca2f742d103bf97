import { randomBytes, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { simpleParser } from 'mailparser'
import { SMTPServer } from 'smtp-server'
import { portOf } from '../processes/ports.ts'
import type { Mailbox } from './mailbox.ts'

const MAX_MAIL_BYTES = 256 * 1024
const MAX_CLIENTS = 50
const USER = 'lab'

/** The receiver of the lab's mail. */
export interface Receiver {
  /** The value of `SMTP_URL`, with the password of this run. */
  readonly url: string
  close(): Promise<void>
}

/**
 * Receives mail by SMTP on a free port of 127.0.0.1 and does not deliver it. It requires a password, because any page in a
 * browser on this machine can send bytes to a loopback port.
 */
export async function startReceiver(mailbox: Mailbox, log: (line: string) => void): Promise<Receiver> {
  const password = randomBytes(18).toString('base64url')
  const server = new SMTPServer({
    name: 'localhost',
    size: MAX_MAIL_BYTES,
    maxClients: MAX_CLIENTS,
    authMethods: ['PLAIN'],
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    onAuth({ username, password: given }, _session, done) {
      const isRight = username === USER && isSame(given ?? '', password)
      done(isRight ? null : new Error('wrong user or password'), isRight ? { user: USER } : undefined)
    },
    onData(stream, session, done) {
      const to = session.envelope.rcptTo.map(({ address }) => address.toLowerCase())
      simpleParser(stream).then(
        ({ from, subject = '', text = '' }) => {
          if (stream.sizeExceeded) return done(Object.assign(new Error('the mail is too large'), { responseCode: 552 }))
          mailbox.add({ at: new Date().toISOString(), from: from?.text ?? '', to, subject, text })
          done()
        },
        (error: Error) => done(error),
      )
    },
  })
  server.on('error', (error) => log(`mail receiver: ${error.message}`))
  const listening = once(server.server, 'listening')
  server.listen(0, '127.0.0.1')
  await listening
  const port = portOf(server.server)
  return {
    url: `smtp://${USER}:${password}@127.0.0.1:${port}`,
    close: () => new Promise((closed) => server.close(() => closed())),
  }
}

const isSame = (one: string, other: string): boolean =>
  one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other))
