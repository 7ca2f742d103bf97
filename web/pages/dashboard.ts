import type { RequestHandler, Response } from 'express'
import { within } from '../../shared/bounded.ts'
import { describeDevice } from '../../shared/client/device.ts'
import { Sid } from '../../shared/event.ts'
import { ProblemError } from '../../shared/problem.ts'
import { type ListedSession, listSessions } from '../../shared/session/list.ts'
import { type Form, formOf } from '../form.ts'
import { Nothing, problemOf } from '../functions-client.ts'
import { sessionOf } from '../session.ts'
import { callOf, type Visit } from '../visit.ts'
import { noticeOf } from './answers.ts'
import { type PageDeps, sendPage } from './deps.ts'
import { type Html, html } from './html.ts'
import { deviceIcon } from './icons.ts'
import { type Identity, identityOf } from './identity.ts'
import { laterTime, layout, type Notice, type Page, time } from './layout.ts'

const LIST_MS = 3_000

const NOTICES: Readonly<Record<string, Notice>> = {
  'others-ended': {
    tone: 'good',
    text: 'Every other session is ended. Whoever held one sees the reason at the next page.',
  },
  ended: { tone: 'good', text: 'The session is ended. Its holder sees the reason at the next page.' },
}

interface Dashboard extends Identity {
  current: { sid: string; since: number; device: string; ip: string }
  /** Undefined if the store did not answer. */
  others: readonly ListedSession[] | undefined
  notice: Notice | undefined
}

const dashboardPage = ({ name, mfaEnabled, current, others, notice }: Dashboard): Page =>
  layout(
    { title: 'Your sessions', inside: true, here: '/dashboard', width: 'wide', notice },
    html`<h1>Your sessions</h1>
<p class="lead">Signed in as <strong>${name}</strong>. <a href="/account#history">What happened lately</a></p>
${mfaEnabled === false && suggestion}
<section class="card" aria-labelledby="this">
<div class="card-head"><h2 id="this">This session</h2><span class="badge good">In use now</span></div>
<dl class="facts">
<div><dt>Device</dt><dd>${current.device}</dd></div>
<div><dt>Address</dt><dd>${current.ip}</dd></div>
<div><dt>Since</dt><dd>${time(current.since)}</dd></div>
<div><dt>Session</dt><dd><code>${current.sid}</code></dd></div>
</dl>
</section>
<section class="card" aria-labelledby="others">
<div class="card-head"><h2 id="others">Other sessions</h2>${others !== undefined && others.length > 1 && endAll}</div>
${others === undefined && html`<p class="error">The list cannot be read right now. Reload the page in a moment.</p>`}
${others?.length === 0 && html`<p>You are signed in nowhere else.</p>`}
${others !== undefined && others.length > 0 && html`<ul class="sessions">${others.map(otherSession)}</ul>`}
</section>`,
  )

const suggestion = html`<section class="card suggestion" aria-labelledby="more">
<div><h2 id="more">A password alone opens this account</h2>
<p class="muted">With an authenticator app, a password that leaks is not enough.</p></div>
<a class="button quiet" href="/account">Set up an app</a>
</section>`

const endAll = html`<form method="post" action="/dashboard/end-others"><button class="quiet danger small">End all others</button></form>`

const otherSession = ({ sid, device, ip, issued_at, last_seen_at }: ListedSession): Html => html`<li class="row">
<div class="tile">${deviceIcon(device)}</div>
<div><strong class="device">${device}</strong> from ${ip}
<p class="hint">Since ${time(issued_at)}, last used ${laterTime(last_seen_at, issued_at)}</p>
<p class="hint">Session <code>${sid}</code></p></div>
<form method="post" action="/dashboard/end">
<input type="hidden" name="sid" value="${sid}">
<button class="quiet danger" aria-label="End the session on ${device} from ${ip}">End</button>
</form>
</li>
`

export const showDashboard =
  (deps: PageDeps): RequestHandler =>
  async (request, response) => {
    const visit = sessionOf(response)
    const { client, check } = visit
    const { sid, userId, createdAt } = check.session
    const listing = within(LIST_MS, listSessions(userId, sid, deps)).catch((error: unknown) => {
      deps.log.error(error, 'the sessions of a user could not be listed', { request_id: client.requestId })
      return undefined
    })
    const [identity, listed] = await Promise.all([identityOf(visit, userId, deps), listing])
    const page = dashboardPage({
      ...identity,
      current: { sid, since: createdAt, device: describeDevice(client.userAgent), ip: client.ip },
      others: listed?.filter((session) => !session.current),
      notice: noticeOf(request, NOTICES),
    })
    sendPage(response, page)
  }

/** Functions decides whether the session belongs to this user. Anybody else gets 404. */
export async function endSession(
  visit: Visit,
  response: Response,
  deps: PageDeps,
  form: Form['fields'],
): Promise<void> {
  const sid = Sid.safeParse(form.sid)
  if (!sid.success) throw new ProblemError('not-found')
  const answer = await deps.functions.post(`auth/sessions/${sid.data}/end`, Nothing, callOf(visit))
  if (answer.kind === 'refused') throw problemOf(answer)
  response.redirect(303, '/dashboard?notice=ended')
}
export const submitEnd =
  (deps: PageDeps): RequestHandler =>
  (_request, response) =>
    endSession(sessionOf(response), response, deps, formOf(response))

export async function endOtherSessions(visit: Visit, response: Response, deps: PageDeps): Promise<void> {
  const answer = await deps.functions.post('auth/sessions/end', Nothing, callOf(visit))
  if (answer.kind === 'refused') throw problemOf(answer)
  response.redirect(303, '/dashboard?notice=others-ended')
}
export const submitEndOthers =
  (deps: PageDeps): RequestHandler =>
  (_request, response) =>
    endOtherSessions(sessionOf(response), response, deps)
