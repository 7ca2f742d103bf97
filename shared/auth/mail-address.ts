import { EMAIL_PATTERN } from '../event.ts'

export const LOGIN_MAX = 254 // RFC 5321 4.5.3.1.3

/** Labels of letters, digits and inner hyphens; at least two of them, and the last is no number. @see RFC 1123 2.1 */
const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?!\d+$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/**
 * Whether a mail can go to this address over the internet. `a@b` has the form of an address, but no public mail server
 * is named by one label.
 */
export function isMailAddress(typed: string): boolean {
  const normal = typed.trim().toLowerCase()
  return normal.length <= LOGIN_MAX && EMAIL_PATTERN.test(normal) && DOMAIN.test(normal.slice(normal.indexOf('@') + 1))
}
