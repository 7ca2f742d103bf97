import type { Mail } from './port.ts'

/** The requester, as far as our own platform vouches for it, so that owners can tell their own request from another. */
export interface Asked {
  /** The origin of the service. */
  webOrigin: string
  ip: string
  /** Such as "Chrome on Windows": from a fixed list, never text of the client. */
  device: string
  /** epoch ms */
  at: number
}

const SERVICE = 'Mini ATO SaaS'

/**
 * The token is in the fragment. A browser does not send the fragment to a server, so no router, proxy, log or Referer
 * has it.
 * @see RFC 9110 4.2.5, RFC 9110 10.1.3
 */
export const confirmMail = (to: string, token: string, asked: Asked): Mail => ({
  to,
  subject: 'Confirm your address',
  text: `Somebody asked for an account at ${SERVICE} with this address.

If it was you, open this link within 24 hours and press the button on the page:

${asked.webOrigin}/confirm#token=${token}

${askedFrom(asked)}

The page asks for the password that you chose, unless you open it in the browser in which you asked.

If it was not you, do nothing: this link alone opens no account. Never enter a password that somebody else gave you.
`,
})

/**
 * Only the owner of the address learns that it has an account. The answer to the request is the same for every
 * address.
 */
export const takenMail = (to: string, asked: Asked): Mail => ({
  to,
  subject: 'You already have an account',
  text: `Somebody asked for an account at ${SERVICE} with this address, which has one already.
Nothing has changed.

If it was you, sign in: ${asked.webOrigin}/login

${askedFrom(asked)}

If it was not you, there is nothing to do. The answer did not reveal that you have an account.
`,
})

const askedFrom = ({ ip, device, at }: Asked): string =>
  `It was asked for on ${new Date(at).toISOString().slice(0, 16).replace('T', ' at ')} UTC, from ${ip}, by ${device}.`
