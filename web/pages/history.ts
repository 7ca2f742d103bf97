import type { RequestHandler } from 'express'
import { ProblemError } from '../../shared/problem.ts'
import { recentlyAuthenticated } from '../../shared/session/policy.ts'
import type { RevocationReason } from '../../shared/stores/port.ts'
import { HistoryAnswer, type HistoryEntry, problemOf } from '../functions-client.ts'
import { waitText } from '../problems.ts'
import { sessionOf } from '../session.ts'
import type { Stranger } from '../strangers.ts'
import { callOf } from '../visit.ts'
import type { PageDeps } from './deps.ts'
import { type Fragment, type Html, html } from './html.ts'
import { deviceIcon, ICONS } from './icons.ts'
import { time } from './layout.ts'

/** The time limit for what the rest of the page can do without. */
const READ_MS = 3_000
/** Shown at once; the others are behind a button. */
const SHOWN = 8
/** Reading the strangers of more sessions would cost more than they tell. */
const MOST_STRANGERS = 5

type ShownEntry = HistoryEntry & { stranger?: Stranger | undefined }

export type HistoryPart =
  | { kind: 'entries'; entries: readonly ShownEntry[]; complete: boolean }
  /** The password must be entered first: the list is a trail of addresses. */
  | { kind: 'locked' }
  | { kind: 'away'; text: string }

/** @throws ProblemError if functions found that the session has ended since this request began */
export async function readHistory(visit: ReturnType<typeof sessionOf>, deps: PageDeps): Promise<HistoryPart> {
  if (!recentlyAuthenticated(visit.check.session, deps.now())) return { kind: 'locked' }
  const call = { ...callOf(visit), timeoutMs: READ_MS }
  const answer = await deps.functions.post('auth/history', HistoryAnswer, call)
  if (answer.kind === 'ok') {
    const { entries, complete } = answer.value
    return { kind: 'entries', complete, entries: await withStrangers(entries, deps) }
  }
  if (answer.code.startsWith('session-')) throw problemOf(answer)
  if (answer.code === 'reauthentication-required') return { kind: 'locked' }
  const text =
    answer.code === 'throttled'
      ? waitText(answer.retryAfterSeconds)
      : 'The list cannot be read right now. Reload the page in a moment.'
  return { kind: 'away', text }
}

type Kind = Pick<HistoryEntry, 'event' | 'reason'>

const isTheft = ({ event, reason }: Kind): boolean =>
  event === 'session_ended' && (reason === 'contained' || reason === 'forked')

/** Adds which other device used a session that was ended for it, as long as that is kept. */
async function withStrangers(entries: readonly HistoryEntry[], { strangers }: PageDeps): Promise<ShownEntry[]> {
  const stolen = entries.filter(isTheft).slice(0, MOST_STRANGERS)
  const found = await Promise.all(
    stolen.map(async ({ sid }) => sid !== undefined && (await strangers.of(sid).catch(() => undefined))),
  )
  const strangerOf = new Map(stolen.map((entry, n) => [entry, found[n] || undefined]))
  return entries.map((entry) => ({ ...entry, stranger: strangerOf.get(entry) }))
}

const EVENTS: Readonly<Record<string, string>> = {
  registered: 'The account was opened',
  signed_in: 'Signed in',
  confirmed: 'The password was entered again',
  signed_out: 'Signed out',
  session_ended: 'A session was ended',
  all_sessions_ended: 'We ended every session to protect the account',
  other_sessions_ended: 'Every other session was ended',
  password_changed: 'The password was changed',
  factor_enabled: 'The authenticator app was turned on',
  factor_disabled: 'The authenticator app was turned off',
}
const ENDINGS: Readonly<Record<string, string>> = {
  contained: 'We ended a session that was used in a way that looked like theft',
  forked: 'We ended a session that two browsers held at once',
  ended_elsewhere: 'A session was ended from another one',
  too_many_sessions: 'The oldest session was ended, because the account had too many',
} satisfies Partial<Record<RevocationReason, string>>

function titleOf({ event, reason = '' }: Kind): string | undefined {
  if (event === 'session_ended' && Object.hasOwn(ENDINGS, reason)) return ENDINGS[reason]
  return Object.hasOwn(EVENTS, event) ? EVENTS[event] : undefined
}

const REGIONS = new Intl.DisplayNames('en', { type: 'region' })

function placeOf({ device, ip, country }: HistoryEntry): Fragment {
  if (device === undefined && ip === undefined) return undefined
  const region = country === undefined ? '' : `, ${REGIONS.of(country)}`
  return html`<p><span class="device">${device ?? 'An unknown device'}</span>${ip !== undefined && ` from ${ip}${region}`}</p>`
}

const isAlarming = (entry: Kind): boolean => entry.event === 'all_sessions_ended' || isTheft(entry)

function iconOf(entry: HistoryEntry): Html {
  if (isAlarming(entry)) return html`<div class="tile bad">${ICONS.alert}</div>`
  const isUse = entry.event === 'signed_in' || entry.event === 'signed_out' || entry.event === 'confirmed'
  return html`<div class="tile">${isUse ? deviceIcon(entry.device ?? '') : ICONS.key}</div>`
}

function item(entry: ShownEntry): Fragment {
  const title = titleOf(entry)
  if (title === undefined) return undefined
  const { stranger } = entry
  return html`<li class="row">
${iconOf(entry)}
<div><p class="moment-title">${title}</p>
${placeOf(entry)}
${stranger && html`<p>Also used on ${stranger.device} from ${stranger.ip}, first ${time(stranger.at)}</p>`}
<p class="hint">${time(entry.at)}</p></div>
</li>
`
}

const list = (entries: readonly ShownEntry[]): Html => html`<ol class="sessions">${entries.map(item)}</ol>`

function content(part: HistoryPart): Fragment {
  if (part.kind === 'away') return html`<p class="error">${part.text}</p>`
  if (part.kind === 'locked') {
    return html`<p>The list says when and where the account was used. Enter your password to see it.</p>
<form method="post" action="/account/history" class="after"><button class="quiet">Show the history</button></form>`
  }
  const { entries, complete } = part
  const [shown, rest] = [entries.slice(0, SHOWN), entries.slice(SHOWN)]
  return html`${list(shown)}
${rest.length > 0 && html`<details><summary>Show ${rest.length} more</summary>${list(rest)}</details>`}
${!complete && html`<p class="hint">More happened than this list shows.</p>`}`
}

/** What happened to the account, for the account page. */
export const historyCard = (part: HistoryPart): Html => html`<section class="card" aria-labelledby="history">
<h2 id="history">What happened in the last 30 days</h2>
${content(part)}
</section>`

/** Asks for the password if the session has not proved it lately, and leads to the list. */
export const submitHistory =
  (deps: Pick<PageDeps, 'now'>): RequestHandler =>
  (_request, response) => {
    if (!recentlyAuthenticated(sessionOf(response).check.session, deps.now())) {
      throw new ProblemError('reauthentication-required')
    }
    response.redirect(303, '/account#history')
  }
