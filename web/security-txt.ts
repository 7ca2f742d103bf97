import type { RequestHandler } from 'express'
import { ProblemError } from '../shared/problem.ts'

/** A reader must not trust an older file. It is made at each request, so the date is always ahead. */
const VALID_DAYS = 90
const DAY_MS = 86_400_000

export interface SecurityTxtDeps {
  webOrigin: string
  /** Undefined without a configuration: then there is no file, because it must name a contact. */
  securityContact: string | undefined
  now: () => number
}

/** `GET /.well-known/security.txt`: whom to tell about a vulnerability. @see RFC 9116 */
export const securityTxt =
  ({ webOrigin, securityContact, now }: SecurityTxtDeps): RequestHandler =>
  (_request, response) => {
    if (securityContact === undefined) throw new ProblemError('not-found')
    const fields = [
      `Contact: ${securityContact}`,
      `Expires: ${new Date(now() + VALID_DAYS * DAY_MS).toISOString()}`,
      'Preferred-Languages: en',
      `Canonical: ${webOrigin}/.well-known/security.txt`,
    ]
    response.type('text').send(`${fields.join('\n')}\n`)
  }
