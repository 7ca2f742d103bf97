import type { ErrorRequestHandler, Request } from 'express'
import type { ServiceLog } from '../../shared/log.ts'
import { type ProblemDocument, type ProblemError, renderProblem } from '../../shared/problem.ts'
import type { Cookies } from '../cookies.ts'
import { toProblem } from '../problems.ts'
import { visitOf } from '../visit.ts'
import { sendPage } from './deps.ts'
import { html } from './html.ts'
import { layout, type Page } from './layout.ts'
import { placeOf, reauthPage } from './reauth.ts'
import { signInPage } from './sign-in.ts'

/** The codes that say: this session is over. The browser forgets its cookie with them. */
const OVER = new Set<ProblemDocument['code']>([
  'session-invalid',
  'session-expired',
  'session-revoked',
  'session-forked',
])

/**
 * The last middleware: every request that cannot go on is answered here, as `application/problem+json` or as a page
 * with the same facts. Only faults of ours are logged, and never with a body.
 */
export const answerProblem =
  (deps: { cookies: Pick<Cookies, 'clear'>; log: Pick<ServiceLog, 'error'> }): ErrorRequestHandler =>
  (error, request, response, next) => {
    if (response.headersSent) return next(error)
    const problem = toProblem(error)
    const { requestId } = visitOf(response).client
    const { status, document, headers } = renderProblem(problem, requestId)
    if (status >= 500) deps.log.error(problem.cause ?? problem, document.title, { request_id: requestId })
    if (OVER.has(problem.code)) deps.cookies.clear(response, 'session')
    if (!prefersPage(request)) {
      response
        .status(status)
        .set(headers)
        .send(Buffer.from(JSON.stringify(document)))
      return
    }
    const { retryAfterSeconds } = problem
    sendPage(response, pageOf(problem, document, request), { status, retryAfterSeconds })
  }

/** Pages are for browsers; the signed call is answered in JSON whatever it says that it accepts. */
const prefersPage = (request: Request): boolean =>
  !request.path.startsWith('/contain/') &&
  request.accepts(['text/html', 'application/problem+json', 'application/json']) === 'text/html'

function pageOf(problem: ProblemError, document: ProblemDocument, request: Request): Page {
  if (problem.code === 'reauthentication-required') {
    return reauthPage(placeOf(request.path), { detail: problem.detail })
  }
  if (problem.code.startsWith('session-')) {
    const plain = problem.code === 'session-expired' || problem.code === 'session-required'
    return signInPage({ notice: { tone: plain ? 'info' : 'warning', text: problem.detail ?? document.title } })
  }
  return problemPage(document)
}

const problemPage = ({ title, status, detail, instance }: ProblemDocument): Page =>
  layout(
    { title },
    html`<h1>${title}</h1>
${detail !== undefined && html`<p>${detail}</p>`}
<p class="hint">Status ${status}, request <code>${instance}</code></p>
<p class="actions"><a class="button" href="/">Back to the start</a></p>`,
  )
