import type { IncomingHttpHeaders } from 'node:http'
import { CLIENT_IP_HEADER } from './client-address.ts'

/** A session of a browser on this machine, with a copy of its cookie. */
export interface CopiedSession {
  readonly sid: string
  readonly secret: string
  readonly userAgent: string
  /** Epoch ms. */
  readonly seenAt: number
}

const MAX_SESSIONS = 50
/** The cookie of web without TLS; the middle part of the token holds its claims. */
const SESSION_COOKIE = /(?:^|;\s*)session=([\w-]+\.([\w-]+)\.[\w-]+)/

/**
 * The newest cookies of the browsers that open web through its edge: what malware on a visitor's machine would have
 * copied. The lab's own attack robs the person at the screen with it. Simulated clients are left out.
 */
export class CookieCopies {
  readonly #copies = new Map<string, CopiedSession>()
  readonly #now: () => number

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  /** @param headers of a request to web */
  note(headers: IncomingHttpHeaders): void {
    if (headers[CLIENT_IP_HEADER] !== undefined) return
    const [, secret, payload] = SESSION_COOKIE.exec(headers.cookie ?? '') ?? []
    const sid = payload === undefined ? undefined : sidIn(payload)
    if (secret === undefined || sid === undefined) return
    this.#copies.delete(sid)
    this.#copies.set(sid, { sid, secret, userAgent: headers['user-agent'] ?? '', seenAt: this.#now() })
    const [oldest] = this.#copies.keys()
    if (this.#copies.size > MAX_SESSIONS && oldest !== undefined) this.#copies.delete(oldest)
  }

  /**
   * @param sid of the session; without it, the one that was used last, and an ended one only if all have ended
   * @param hasEnded by the id of a session
   */
  find(sid?: string, hasEnded: (sid: string) => boolean = () => false): CopiedSession | undefined {
    if (sid !== undefined) return this.#copies.get(sid)
    const all = [...this.#copies.values()]
    return all.findLast((each) => !hasEnded(each.sid)) ?? all.at(-1)
  }
}

function sidIn(payload: string): string | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString())
    const isObject = typeof claims === 'object' && claims !== null
    return isObject && 'sid' in claims && typeof claims.sid === 'string' ? claims.sid : undefined
  } catch {
    return undefined
  }
}
