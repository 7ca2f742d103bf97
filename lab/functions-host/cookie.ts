import type { RpcCookie } from './rpc.ts'

/**
 * Writes a Set-Cookie value like ASP.NET Core: value percent-encoded, lower-case attributes, `path=/` by default.
 * @throws Error when the name is not a token
 * @see https://github.com/dotnet/aspnetcore, `SetCookieHeaderValue` and `ResponseCookies`
 */
export function cookieText(cookie: RpcCookie): string {
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(cookie.name)) throw new Error(`'${cookie.name}' is not a cookie name`)
  const path = cookie.path?.value ?? '/'
  const parts = [`${cookie.name}=${escapeDataString(cookie.value)}`]
  if (cookie.expires) parts.push(`expires=${new Date(cookie.expires.value.seconds * 1000).toUTCString()}`)
  if (cookie.maxAge) parts.push(`max-age=${Math.trunc(cookie.maxAge.value)}`)
  if (cookie.domain?.value) parts.push(`domain=${cookie.domain.value}`)
  if (path !== '') parts.push(`path=${path}`)
  if (cookie.secure?.value) parts.push('secure')
  if (cookie.sameSite && cookie.sameSite !== 'none') {
    parts.push(`samesite=${cookie.sameSite === 'explicitNone' ? 'none' : cookie.sameSite}`)
  }
  if (cookie.httpOnly?.value) parts.push('httponly')
  return parts.join('; ')
}

// Uri.EscapeDataString keeps only the unreserved characters of RFC 3986; encodeURIComponent keeps five more.
const escapeDataString = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
