import type { ErrorRequestHandler, Request } from 'express'
import type { ServiceLog } from '../../shared/log.ts'
import { type ProblemDocument, type ProblemError, renderProblem } from '../../shared/problem.ts'
import type { SessionCheck } from '../../shared/session/present.ts'
import type { RevocationReason } from '../../shared/stores/port.ts'
import type { Cookies } from '../cookies.ts'
import { attemptOf } from '../form.ts'
import { CARE, endingOf, toProblem, tryAgain } from '../problems.ts'
import { tellRum } from '../rum.ts'
import type { Strangers } from '../strangers.ts'
import { visitOf } from '../visit.ts'
import { sendPage } from './deps.ts'
import { html } from './html.ts'
import { layout, type Notice, type Page, time } from './layout.ts'
import { type Kept, placeOf, reauthPage } from './reauth.ts'
import { signInPage } from './sign-in.ts'

/** The codes of an ended session. The browser then drops its cookie. */
const OVER = new Set<ProblemDocument['code']>([
  'session-invalid',
  'session-expired',
  'session-revoked',
  'session-forked',
])

interface ProblemDeps {
  cookies: Pick<Cookies, 'clear'>
  log: Pick<ServiceLog, 'error'>
  strangers: Pick<Strangers, 'of'>
}

/**
 * The last middleware. It answers every failed request, as `application/problem+json` or as a page with the same
 * facts. Only our own faults are logged, and never with a body.
 */
export const answerProblem =
  (deps: ProblemDeps): ErrorRequestHandler =>
  async (error, request, response, next) => {
    if (response.headersSent) return next(error)
    const problem = toProblem(error)
    const { client, check } = visitOf(response)
    const { requestId } = client
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
    const ending = OVER.has(problem.code) ? endedBy(check) : undefined
    if (ending === 'contained' || ending === 'forked')
      tellRum(response, { name: 'containment.notice', outcome: ending })
    const { retryAfterSeconds } = problem
    const facts = await factsOf(check, deps)
    const kept = attemptOf(response)?.fields ?? {}
    sendPage(response, pageOf(problem, document, request, check, { facts, kept }), { status, retryAfterSeconds })
  }

/** Whether the client is a browser and gets a page. */
const prefersPage = (request: Request): boolean =>
  request.accepts(['text/html', 'application/problem+json', 'application/json']) === 'text/html'

type Facts = Notice['facts']

function pageOf(
  problem: ProblemError,
  document: ProblemDocument,
  request: Request,
  check: SessionCheck,
  { facts, kept }: { facts: Facts; kept: Kept },
): Page {
  if (problem.code === 'reauthentication-required') {
    return reauthPage(placeOf(request.path), { detail: problem.detail, kept })
  }
  if (problem.code.startsWith('session-')) return signInPage({ notice: noticeOf(problem, document, check, facts) })
  return problemPage(document, { inside: check.kind === 'accepted', retryAfterSeconds: problem.retryAfterSeconds })
}

const endedBy = (check: SessionCheck): RevocationReason | undefined =>
  check.kind === 'revoked' ? check.reason : check.kind === 'fork' ? 'forked' : undefined

/**
 * When the session was ended, and which device had used the session of another one. Whoever holds the cookie reads this,
 * also the thief: so nothing of the owner's device is in it.
 */
async function factsOf(check: SessionCheck, { strangers }: ProblemDeps): Promise<Facts> {
  if (check.kind !== 'revoked' && check.kind !== 'fork') return undefined
  const ended = [['Ended', time(check.at)]] as const
  const isTheft = check.kind === 'fork' || check.reason === 'contained'
  const stranger = isTheft ? await strangers.of(check.sid).catch(() => undefined) : undefined
  if (!stranger) return ended
  const { device, ip, at } = stranger
  return [...ended, ['Used from', html`${device}, ${ip}, first ${time(at)}`]]
}

/** Why the visitor sees the sign-in form in place of the requested page. */
function noticeOf(
  { code, detail }: ProblemError,
  { title }: ProblemDocument,
  check: SessionCheck,
  facts: Facts,
): Notice {
  if (code === 'session-revoked' || code === 'session-forked') {
    const reason = endedBy(check)
    // Functions found the session ended just after web had accepted it, and gives no reason; assume the worst.
    const { text, careful } = reason ? endingOf(reason) : { text: `${title}.`, careful: true }
    return { tone: 'warning', text, facts, advice: careful ? CARE : undefined }
  }
  const plain = code === 'session-expired' || code === 'session-required'
  return { tone: plain ? 'info' : 'warning', text: detail ?? title }
}

/** Advice for visitors where the problem itself has none. */
const ADVICE: Readonly<Partial<Record<ProblemDocument['code'], string>>> = {
  'request-malformed': 'Nothing was done. Go back and send the form once more.',
  'request-too-large': 'Nothing was done: the form is larger than any form of this site.',
  'request-forged': 'It was sent by a page of another site, so nothing was done. Open the page here and try again.',
  'not-found': 'The address may be mistyped, or the page was removed.',
  'internal-error': 'The fault is ours. Our log has it under the number below. Nobody saw what you entered.',
  unavailable: 'Wait a moment and try again. If you were signed in, you still are.',
}

export const problemPage = (
  { title, status, code, detail, instance }: ProblemDocument,
  { inside, retryAfterSeconds }: { inside: boolean; retryAfterSeconds?: number | undefined },
): Page =>
  layout(
    { title, inside },
    html`<div class="problem">
<p class="number">${status}</p>
<h1>${title}</h1>
<p class="lead">${[detail ?? ADVICE[code], retryAfterSeconds !== undefined && ` ${tryAgain(retryAfterSeconds)}`]}</p>
<p class="actions"><a class="button" href="/">${inside ? 'Back to your sessions' : 'Back to the start'}</a></p>
<p class="hint">Status ${status}, <code>${code}</code>, request <code>${instance}</code></p>
</div>`,
  )
