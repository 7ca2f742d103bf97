import type { Request, Response } from 'express'
import { joinTokens, tokensIn, withDeviceToken } from '../shared/auth/device-token.ts'
import type { Cookies } from './cookies.ts'

/** The lifetime of an unused token; each sign-in restarts it. */
const DEVICE_SECONDS = 180 * 24 * 3600

type Deps = { cookies: Pick<Cookies, 'read' | 'set'> }

/** The device tokens of a browser, for functions. */
export const deviceTokenOf = (request: Request, { cookies }: Deps): string | undefined =>
  joinTokens(tokensIn(cookies.read(request, 'device')))

/** The device fields of both steps of a sign-in: the tokens of the browser, and the request for one. */
export const introduce = (request: Request, deps: Deps) => ({
  device_token: deviceTokenOf(request, deps),
  remember_device: true,
})

/** Stores the token of a sign-in beside those of other accounts in this browser. */
export function keepDevice(request: Request, response: Response, token: string | undefined, { cookies }: Deps): void {
  if (token === undefined) return
  cookies.set(response, 'device', withDeviceToken(cookies.read(request, 'device'), token), DEVICE_SECONDS)
}
