import type { Request, Response } from 'express'
import type { ProblemCode } from '../../shared/problem.ts'
import { problemOf, type Refused } from '../functions-client.ts'
import { formStatus } from '../problems.ts'
import { sendPage } from './deps.ts'
import { faulty, type Notice, type Page } from './layout.ts'

/** The text of a form for each refusal code. */
export type ByCode<W> = Readonly<Partial<Record<ProblemCode, W>>>

/**
 * Shows a form again with its fault.
 * @throws ProblemError for a code without a text: it is not about the input, so an error page answers
 */
export async function showRefusal<W>(
  response: Response,
  refused: Refused,
  words: ByCode<W>,
  page: (words: W) => Page | Promise<Page>,
): Promise<void> {
  const { code, retryAfterSeconds } = refused
  const known = words[code]
  if (known === undefined) throw problemOf(refused)
  sendPage(response, faulty(await page(known)), { status: formStatus(code), retryAfterSeconds })
}

/** The notice that `?notice=` names. Only notices of the page are possible, whatever the URL says. */
export function noticeOf(request: Request, notices: Readonly<Record<string, Notice>>): Notice | undefined {
  const { notice } = request.query
  return typeof notice === 'string' && Object.hasOwn(notices, notice) ? notices[notice] : undefined
}
