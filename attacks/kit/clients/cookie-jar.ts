export type SiteCookie = 'session' | 'mfa'

/** @param origin with https each cookie has the `__Host-` prefix @see RFC 6265bis 4.1.3.2 */
export const cookieName = (origin: string, name: SiteCookie): string =>
  origin.startsWith('https:') ? `__Host-${name}` : name

/** The cookies of one site, limited to the kind that web sets: host-only, path /, kept until cleared or expired. */
export class CookieJar {
  readonly #cookies = new Map<string, string>()
  readonly #nameOf: (name: SiteCookie) => string

  constructor(origin: string) {
    this.#nameOf = (name) => cookieName(origin, name)
  }

  /** @param setCookie each `Set-Cookie` of an answer */
  take(setCookie: readonly string[]): void {
    for (const line of setCookie) {
      const [pair = '', ...attributes] = line.split(';')
      const equals = pair.indexOf('=')
      if (equals < 1) continue
      const name = pair.slice(0, equals).trim()
      const value = pair.slice(equals + 1).trim()
      if (value === '' || attributes.some(isExpired)) this.#cookies.delete(name)
      else this.#cookies.set(name, value)
    }
  }

  header(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  session(): string | undefined {
    return this.#cookies.get(this.#nameOf('session'))
  }

  /** The cookie of a pending sign-in. */
  challenge(): string | undefined {
    return this.#cookies.get(this.#nameOf('mfa'))
  }

  holdSession(value: string): void {
    this.#cookies.set(this.#nameOf('session'), value)
  }
}

/** Max-Age has precedence over Expires, but a site that clears a cookie sets both alike. @see RFC 6265 5.3 */
function isExpired(attribute: string): boolean {
  const [name = '', value = ''] = attribute.split('=', 2).map((part) => part.trim())
  if (/^max-age$/i.test(name)) return Number(value) <= 0
  return /^expires$/i.test(name) && Date.parse(value) <= Date.now()
}
