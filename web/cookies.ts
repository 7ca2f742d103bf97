import type { CookieOptions, Request, Response } from 'express'

export type CookieName = 'session' | 'mfa' | 'device' | 'consent' | 'outcome' | 'address' | 'registration'

/** The cookies of a visit. Their values are never in a log or a URL. */
export interface Cookies {
  read(request: Request, name: CookieName): string | undefined
  /** @param maxAgeSeconds absent: until the browser is closed */
  set(response: Response, name: CookieName, value: string, maxAgeSeconds?: number): void
  /** Name the most important cookie last: curl 7 keeps a cleared cookie if another Set-Cookie follows. */
  clear(response: Response, ...names: CookieName[]): void
}

const MAX_LENGTH = 4096

/**
 * `__Host-` cookies: Secure and for this host only, so that no sibling domain and no plain-http page can set one. A
 * lab on plain http cannot use them and omits the prefix.
 * @see RFC 6265bis 4.1.3.2
 */
export function createCookies(webOrigin: string): Cookies {
  const secure = webOrigin.startsWith('https://')
  const nameOf = (name: CookieName) => (secure ? `__Host-${name}` : name)
  const options: CookieOptions = { secure, httpOnly: true, sameSite: 'lax', path: '/', encode: String }
  return {
    read: (request, name) => readCookie(request.headers.cookie, nameOf(name)),
    set: (response, name, value, maxAgeSeconds) => {
      const maxAge = maxAgeSeconds === undefined ? {} : { maxAge: maxAgeSeconds * 1000 }
      response.cookie(nameOf(name), value, { ...options, ...maxAge })
    },
    clear: (response, ...names) => {
      for (const name of names) response.cookie(nameOf(name), '', { ...options, maxAge: 0 })
    },
  }
}

/** @returns the first cookie of exactly that name; undefined if it is empty or too long */
export function readCookie(header: string | undefined, name: string): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const equals = pair.indexOf('=')
    if (equals < 0 || pair.slice(0, equals).trim() !== name) continue
    const value = pair.slice(equals + 1).trim()
    return value !== '' && value.length <= MAX_LENGTH ? value : undefined
  }
  return undefined
}
