import { createTransport, type Transporter } from 'nodemailer'
import type { FunctionsConfig } from '../../shared/config.ts'
import type { Mail, Notify } from './port.ts'

/** The time limit for one mail, from the connection to the last reply of the server. */
const DELIVER_WITHIN_MS = 3000
/** Connections at the same time; the server of a mail provider accepts few. */
const AT_ONCE = 5
/** The most waiting mails. A further mail is lost, with an error in the log: memory must stay bounded. */
const QUEUE_LIMIT = 500
const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'smtp:': 587, 'smtps:': 465 }

export interface Mailer {
  notify: Notify
  /** Delivers the accepted mails within the time limit of one mail. The rest is given up, with an error in the log. */
  close(): Promise<void>
}

type MailerConfig = Pick<FunctionsConfig, 'SMTP_URL' | 'MAIL_FROM' | 'ATO_LAB'>

/** Sends mail by SMTP. Outside the lab the connection is encrypted from its start, or by STARTTLS before anything else. */
export function createMailer(
  config: MailerConfig,
  error: (error: unknown, message: string) => void,
  deliverWithinMs = DELIVER_WITHIN_MS,
): Mailer {
  const queue: Mail[] = []
  const running = new Set<Promise<void>>()
  let transport: Transporter | undefined

  const deliver = async (mail: Mail) => {
    transport ??= openTransport(config, deliverWithinMs)
    const headers = { 'Auto-Submitted': 'auto-generated' } // RFC 3834 5: no holiday notice comes back
    await within(deliverWithinMs, transport.sendMail({ from: config.MAIL_FROM, ...mail, headers }))
  }
  const pump = () => {
    while (running.size < AT_ONCE) {
      const mail = queue.shift()
      if (!mail) return
      const sending = deliver(mail)
        .catch((cause: unknown) => error(cause, 'a mail could not be delivered'))
        .finally(() => {
          running.delete(sending)
          pump()
        })
      running.add(sending)
    }
  }
  return {
    notify(mail) {
      if (queue.length >= QUEUE_LIMIT) {
        error(new Error(`The mail queue is full: ${QUEUE_LIMIT} mails are waiting.`), 'a mail could not be delivered')
        return
      }
      queue.push(mail)
      pump()
    },
    async close() {
      const timer = setTimeout(() => {
        const lost = queue.splice(0).length
        if (lost > 0)
          error(new Error(`${lost} mails were given up because the process ends.`), 'a mail could not be delivered')
      }, deliverWithinMs)
      while (running.size > 0) await Promise.all(running)
      clearTimeout(timer)
      transport?.close()
    },
  }
}

/**
 * Reads the URL part by part: nodemailer would accept any option in its query, such as one that turns verification
 * off.
 */
function openTransport({ SMTP_URL, ATO_LAB }: MailerConfig, timeoutMs: number): Transporter {
  const url = new URL(SMTP_URL.reveal())
  const user = decodeURIComponent(url.username)
  const { protocol } = url
  return createTransport({
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port) || DEFAULT_PORTS[protocol],
    secure: protocol === 'smtps:',
    requireTLS: !ATO_LAB,
    ignoreTLS: ATO_LAB,
    ...(user !== '' && { auth: { user, pass: decodeURIComponent(url.password) } }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
}

async function within(milliseconds: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the mail server took longer than ${milliseconds} ms`)), milliseconds)
  })
  try {
    await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
