import type { Request } from 'express'
import type { Cookies } from '../cookies.ts'

const EMAIL_MAX = 254

/**
 * What the page calls its visitor: the address that this browser signed in with, else the account's id. For display
 * only: web keeps no table of users, and nothing is decided by a cookie that its owner may edit.
 */
export function accountName(request: Request, userId: string, cookies: Pick<Cookies, 'read'>): string {
  const email = Buffer.from(cookies.read(request, 'account') ?? '', 'base64url')
    .toString('utf8')
    .slice(0, EMAIL_MAX)
  return email.includes('@') ? email : `account ${userId}`
}
