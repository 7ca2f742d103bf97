import { randomUUID } from 'node:crypto'
import { CLIENT_IP_HEADER, withPort } from './client-address.ts'
import { endToEnd, type HeaderList, headerValue, without } from './headers.ts'

/** What a platform's front end knows about a request. */
export interface Arrival {
  readonly headers: HeaderList
  readonly url: string
  readonly client: { readonly ip: string; readonly port: number }
  /** The port to which clients connect. */
  readonly port: number
  /** Epoch ms. */
  readonly now: number
  readonly requestId: string
}

/** The differences of the platforms: their headers, and the time-out for the first byte. */
export interface Flavour {
  readonly name: 'heroku' | 'azure'
  readonly timeoutMs: number
  forward(arrival: Arrival): HeaderList
}

/** Headers that the edge handles itself: the chosen address and Expect. */
const HANDLED_HERE = [CLIENT_IP_HEADER, 'expect']

/**
 * The Heroku router. Its X-Forwarded-For ends with the true address; the part before it is the client's claim.
 * @see Heroku Dev Center, "HTTP routing"
 */
export const heroku: Flavour = {
  name: 'heroku',
  timeoutMs: 30_000,
  forward(arrival) {
    const incoming = without(endToEnd(arrival.headers), HANDLED_HERE)
    const written: HeaderList = [
      ['X-Request-Id', arrival.requestId],
      ['X-Forwarded-For', append(incoming, 'x-forwarded-for', arrival.client.ip)],
      ['X-Forwarded-Proto', 'http'],
      ['X-Forwarded-Port', String(arrival.port)],
      ['Via', append(incoming, 'via', '1.1 heroku-router')],
      ['X-Request-Start', String(arrival.now)],
    ]
    return replace(incoming, written)
  },
}

/**
 * Azure App Service's front end. X-Forwarded-For ends with `ip:port`; Client-Ip is overwritten. X-MS-CLIENT-PRINCIPAL is
 * passed on: without Azure's authentication any client can send it, so an app must not trust it.
 */
export const azure: Flavour = {
  name: 'azure',
  timeoutMs: 230_000,
  forward(arrival) {
    const incoming = without(endToEnd(arrival.headers), HANDLED_HERE)
    const address = withPort(arrival.client)
    const written: HeaderList = [
      ['X-Forwarded-For', append(incoming, 'x-forwarded-for', address)],
      ['Client-Ip', address],
      ['X-Forwarded-Proto', 'http'],
      ['Disguised-Host', headerValue(incoming, 'host') ?? ''],
      ['X-Original-Url', arrival.url],
      ['X-Arr-Log-Id', randomUUID()],
      ['Max-Forwards', '10'],
    ]
    return replace(incoming, written)
  },
}

/** Keeps a well-formed id of the client, as Heroku does. It helps to correlate requests and is not trusted. */
export function requestIdFor(headers: HeaderList): string {
  const offered = headerValue(headers, 'x-request-id')
  return offered !== undefined && /^[A-Za-z0-9+/=-]{20,200}$/.test(offered) ? offered : randomUUID()
}

function append(list: HeaderList, name: string, value: string): string {
  const before = headerValue(list, name)
  return before ? `${before}, ${value}` : value
}

function replace(list: HeaderList, written: HeaderList): HeaderList {
  return [
    ...without(
      list,
      written.map(([name]) => name.toLowerCase()),
    ),
    ...written,
  ]
}
