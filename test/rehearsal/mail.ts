import { Mailbox } from '../../lab/mailbox/mailbox.ts'
import { startReceiver } from '../../lab/mailbox/receive.ts'
import type { Identity } from '../tls/certificate.ts'
import { terminateTls } from '../tls/terminator.ts'

export interface MailServer {
  /** As a provider hands it out: TLS from the first byte on, a user and a password. */
  readonly settings: Readonly<Record<'SMTP_URL', string>>
  /** The code in the first mail that confirms this address. */
  codeTo(email: string): Promise<string | undefined>
  close(): Promise<void>
}

/** The lab's mail receiver with TLS before it. */
export async function startMailServer(identity: Identity): Promise<MailServer> {
  const mailbox = new Mailbox()
  const receiver = await startReceiver(mailbox, () => {})
  const url = new URL(receiver.url)
  const tls = await terminateTls(identity, () => Number(url.port))
  return {
    settings: { SMTP_URL: `smtps://${url.username}:${url.password}@localhost:${tls.port}` },
    async codeTo(email) {
      const mails = await mailbox.wait({ to: email }, 10_000)
      return mails.map(({ text }) => /#token=([\w-]+)/.exec(text)?.[1]).find((code) => code !== undefined)
    },
    async close() {
      mailbox.close()
      tls.close()
      await receiver.close()
    },
  }
}
