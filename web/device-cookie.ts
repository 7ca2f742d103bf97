import type { Request, Response } from 'express'
import { joinTokens, tokensIn, withDeviceToken } from '../shared/auth/device-token.ts'
import type { Cookies } from './cookies.ts'

/** As long as a token is good without being used; each sign-in begins it anew. */
const DEVICE_SECONDS = 180 * 24 * 3600

type Deps = { cookies: Pick<Cookies, 'read' | 'set'> }

/** The device tokens that a browser holds, as functions is shown them. */
export const deviceTokenOf = (request: Request, { cookies }: Deps): string | undefined =>
  joinTokens(tokensIn(cookies.read(request, 'device')))

/** What both steps of a sign-in send about the browser: its device tokens, and that it wants one. */
export const introduce = (request: Request, deps: Deps) => ({
  device_token: deviceTokenOf(request, deps),
  remember_device: true,
})

/** Keeps the token that a sign-in was answered with, beside those of the other accounts in this browser. */
export function keepDevice(request: Request, response: Response, token: string | undefined, { cookies }: Deps): void {
  if (token === undefined) return
  cookies.set(response, 'device', withDeviceToken(cookies.read(request, 'device'), token), DEVICE_SECONDS)
}
