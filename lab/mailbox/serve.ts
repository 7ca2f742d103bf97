import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isOurs, sendError } from '../datadog/http.ts'
import { Mailbox } from './mailbox.ts'
import { startReceiver } from './receive.ts'
import { mailboxRoutes } from './routes.ts'

/** A mailbox without the rest of the lab. */
export interface ServedMailbox {
  /** For `SMTP_URL`. */
  readonly smtpUrl: string
  /** Where people read it. */
  readonly mailboxUrl: string
  close(): Promise<void>
}

/** Takes mail, and shows it at `/mail` on this port of 127.0.0.1: for functions that run where no stand-in does. */
export async function serveMailbox(port: number, log: (line: string) => void): Promise<ServedMailbox> {
  const mailbox = new Mailbox()
  const routes = mailboxRoutes(mailbox)
  const server = createServer((request, response) => {
    response.on('error', () => {})
    const { method, url = '' } = request
    if (!isOurs(request)) return sendError(response, 403, 'this address answers to its own machine only')
    const target = URL.canParse(url, 'http://localhost') ? new URL(url, 'http://localhost') : undefined
    const route = `${method} ${target?.pathname}`
    const handler = Object.hasOwn(routes, route) ? routes[route] : undefined
    if (!target || !handler) return sendError(response, 404, 'only GET /mail and GET /mail.json are here')
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
    mailboxUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mail`,
    async close() {
      mailbox.close()
      await receiver.close()
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}
