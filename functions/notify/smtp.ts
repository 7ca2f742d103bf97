import { createTransport, type Transporter } from 'nodemailer'
import type { FunctionsConfig } from '../../shared/config.ts'
import type { Mail, Notify } from './port.ts'

/** For one mail, from the connection to the server's last word. */
const DELIVER_WITHIN_MS = 3000
/** Connections at the same time; the server of a mail provider accepts few. */
const AT_ONCE = 5
/** Mails that may wait. One more is lost, with a line in the log: memory is bounded, whoever registers. */
const QUEUE_LIMIT = 500
const DEFAULT_PORTS = { 'smtp:': 587, 'smtps:': 465 } as const

export interface Mailer {
  notify: Notify
  /** Delivers what was handed over, for as long as one mail may take; the rest is given up, with a line in the log. */
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
        error(new Error(`${QUEUE_LIMIT} mails are waiting already`), 'a mail could not be delivered')
        return
      }
      queue.push(mail)
      pump()
    },
    async close() {
      const timer = setTimeout(() => {
        const lost = queue.splice(0).length
        if (lost > 0) error(new Error(`${lost} mails were given up at the end`), 'a mail could not be delivered')
      }, deliverWithinMs)
      while (running.size > 0) await Promise.all(running)
      clearTimeout(timer)
      transport?.close()
    },
  }
}

/** Read piece by piece: nodemailer would take any option from a URL's query, such as one that turns verification off. */
function openTransport({ SMTP_URL, ATO_LAB }: MailerConfig, timeoutMs: number): Transporter {
  const url = new URL(SMTP_URL.reveal())
  const user = decodeURIComponent(url.username)
  const protocol = url.protocol as keyof typeof DEFAULT_PORTS
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
