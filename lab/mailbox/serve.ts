import { once } from 'node:events'
import { createServer } from 'node:http'
import { isOurs, sendError } from '../datadog/http.ts'
import { portOf } from '../processes/ports.ts'
import { Mailbox } from './mailbox.ts'
import { startReceiver } from './receive.ts'
import { mailboxRoutes } from './routes.ts'

/** A mailbox that runs without the rest of the lab. */
export interface ServedMailbox {
  /** The value of `SMTP_URL`. */
  readonly smtpUrl: string
  /** The page of the mails. */
  readonly mailboxUrl: string
  close(): Promise<void>
}

/** Receives mail and shows it at `/mail` on this port of 127.0.0.1, for functions that run without the stand-in. */
export async function serveMailbox(port: number, log: (line: string) => void): Promise<ServedMailbox> {
  const mailbox = new Mailbox()
  const routes = mailboxRoutes(mailbox)
  const server = createServer((request, response) => {
    response.on('error', () => {})
    const { method, url = '' } = request
    if (!isOurs(request)) return sendError(response, 403, 'only requests from this machine are answered')
    const target = URL.canParse(url, 'http://localhost') ? new URL(url, 'http://localhost') : undefined
    const route = `${method} ${target?.pathname}`
    const handler = Object.hasOwn(routes, route) ? routes[route] : undefined
    if (!target || !handler) return sendError(response, 404, 'the routes are GET /mail and GET /mail.json')
    handler(request, response, target.searchParams).catch((error: Error) => {
      log(`${route} failed: ${error.message}`)
      sendError(response, 500, 'the mailbox failed')
    })
  })
  const listening = once(server, 'listening')
  server.listen(port, '127.0.0.1')
  await listening
  const receiver = await startReceiver(mailbox, log)
  return {
    smtpUrl: receiver.url,
    mailboxUrl: `http://127.0.0.1:${portOf(server)}/mail`,
    async close() {
      mailbox.close()
      await receiver.close()
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}
