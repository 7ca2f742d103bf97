import type { Response } from 'express'
import type { ServiceLog } from '../../shared/log.ts'
import type { EndDeps } from '../../shared/session/end.ts'
import type { LiveSessions, SessionLedger } from '../../shared/stores/port.ts'
import type { BuiltAssets } from '../built-assets.ts'
import type { Cookies } from '../cookies.ts'
import type { FunctionsClient } from '../functions-client.ts'
import { rumOf } from '../rum.ts'
import type { Strangers } from '../strangers.ts'
import { framed, type Page } from './layout.ts'

/** The deps of the page handlers. */
export interface PageDeps extends EndDeps {
  sessions: Pick<LiveSessions, 'end' | 'revoke' | 'listByUser'>
  ledger: SessionLedger
  functions: FunctionsClient
  cookies: Cookies
  strangers: Pick<Strangers, 'of'>
  /** The mailbox of the lab; undefined outside the lab. */
  mailboxUrl: string | undefined
  log: Pick<ServiceLog, 'error' | 'warn'>
}

const assetsOf = (response: Response): BuiltAssets['files'] => response.app.locals.assets

/** Answers with a page: 200, or the status of the refusal that it shows. */
export function sendPage(
  response: Response,
  page: Page,
  refusal?: { status: number; retryAfterSeconds?: number | undefined },
) {
  if (refusal?.retryAfterSeconds !== undefined) response.set('retry-after', String(refusal.retryAfterSeconds))
  response
    .status(refusal?.status ?? 200)
    .type('html')
    .send(framed(page, assetsOf(response), rumOf(response)).toString())
}
