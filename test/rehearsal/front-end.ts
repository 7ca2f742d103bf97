import { once } from 'node:events'
import { createServer } from 'node:https'
import { CLIENT_IP_HEADER, clientAddress } from '../../lab/edge/client-address.ts'
import type { Flavour } from '../../lab/edge/flavour.ts'
import { headerList, headerValue, without } from '../../lab/edge/headers.ts'
import { pass } from '../../lab/edge/pass.ts'
import { portOf } from '../port-of.ts'
import type { Identity } from '../tls/certificate.ts'

export interface FrontEnd {
  /** `https://localhost:<port>` */
  readonly origin: string
  /** Where the app listens, as soon as that is known; until then the answer is the platform's error page. */
  target: number
  close(): void
}

/** A platform's front end with TLS, as a deployed app has it before it: the lab's edge, without the lab's gate. */
export async function startFrontEnd(flavour: Flavour, identity: Identity): Promise<FrontEnd> {
  const overTls: Flavour = {
    ...flavour,
    forward: (arrival) => [...without(flavour.forward(arrival), ['x-forwarded-proto']), ['X-Forwarded-Proto', 'https']],
  }
  const server = createServer({ ...identity }, (request, response) => {
    const headers = headerList(request.rawHeaders)
    const client = clientAddress(request.socket, headerValue(headers, CLIENT_IP_HEADER))
    if (client.kind === 'refused') throw new Error(client.reason)
    const options = { flavour: overTls, target: () => frontEnd.target }
    pass({ request, response, headers, url: request.url ?? '/', client, port, options })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = portOf(server)
  const frontEnd: FrontEnd = {
    origin: `https://localhost:${port}`,
    target: 1,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
  return frontEnd
}
