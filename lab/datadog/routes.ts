import type { IncomingMessage, ServerResponse } from 'node:http'
import { compileSearch, type IndexedLog, type Monitor, SearchSyntaxError } from 'alertproof'
import { PAYLOAD_BYTES, type Pipeline, readSubmission } from 'alertproof/intake'
import type { Mailbox } from '../mailbox/mailbox.ts'
import { mailboxRoutes } from '../mailbox/routes.ts'
import type { AlertBook } from './alerts.ts'
import { isHere, isOurs, readBody, sendError, sendJson, sendText } from './http.ts'
import { monitorListHandler, worstOf } from './monitor-api.ts'
import type { RecentLogs } from './recent.ts'
import { RUM_PATH, type RumIntake } from './rum/intake.ts'
import { streamAlerts } from './stream.ts'

export interface Counters {
  logs: number
  refused_requests: number
  /** Dated more than 18 h before they arrived: left out. */
  too_old: number
  duplicate_frames: number
}

export interface RoutesDeps {
  isKey(presented: string): boolean
  isAppKey(presented: string): boolean
  /** Indexes and evaluates; `bytes` is the size of the request they came in. */
  take(logs: readonly IndexedLog[], bytes: number): void
  recent: RecentLogs
  /** Absent: this account has no RUM application. */
  rum: RumIntake | undefined
  /** Absent: nothing forwards logs here that could be turned off. */
  setForwarding: ((on: boolean) => void) | undefined
  /** Absent: this account shows no mail. */
  mailbox: Mailbox | undefined
  alerts: AlertBook
  counters: Counters
  monitors: readonly Monitor[]
  pipelines: readonly Pipeline[]
  mode: string
  deduplicateFrames: boolean
  log(line: string): void
}

type Handler = (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => void | Promise<void>

/** Every request of the stand-in; answers each one, whatever it holds. */
export function createRoutes(deps: RoutesDeps): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const { alerts, counters, recent, monitors, rum, setForwarding } = deps
  const routes: Record<string, Handler> = {
    'POST /api/v2/logs': intakeHandler(deps),
    'POST /v1/input': (_request, response) => sendError(response, 404, 'the v1 intake is not here: POST /api/v2/logs'),
    'GET /': (_request, response) => sendText(response, summary(deps)),
    'GET /lab/health': (_request, response) =>
      sendJson(response, 200, { ok: true, mode: deps.mode, ...counters, logs_kept: recent.size }),
    'GET /lab/alerts': (_request, response, query) => {
      const since = instantOf(query.get('since'))
      if (since === undefined) return sendError(response, 400, 'since is neither epoch milliseconds nor ISO 8601')
      const monitor = query.get('monitor')
      sendJson(response, 200, { alerts: alerts.list({ since, ...(monitor && { monitor }) }) })
    },
    'GET /lab/logs': (_request, response, query) => searchLogs(response, query, recent),
    ...(rum && {
      [`POST ${RUM_PATH}`]: rum.take,
      [`OPTIONS ${RUM_PATH}`]: rum.preflight,
      'GET /lab/rum': (_request: IncomingMessage, response: ServerResponse, query: URLSearchParams) =>
        rum.show(response, query),
    }),
    ...(deps.mailbox && mailboxRoutes(deps.mailbox)),
    ...(setForwarding && { 'PUT /lab/forwarding': forwardingHandler(setForwarding) }),
    'GET /lab/monitors': (_request, response) =>
      sendJson(response, 200, { monitors: monitors.map((monitor) => monitorState(monitor, alerts)) }),
    'GET /api/v1/monitor': monitorListHandler(deps),
    'GET /lab/stream': (request, response, query) => {
      const after = query.get('after')
      streamAlerts(request, response, alerts, after === null ? undefined : Number(after))
    },
  }
  return async (request, response) => {
    // A reader may leave at any time; without a listener that would end the process.
    response.on('error', () => {})
    try {
      const url = urlOf(request)
      const isReport = url?.pathname === RUM_PATH
      const isWelcome = isOurs(request) || (isReport && isHere(request) && rum?.admits(request))
      if (!isWelcome) return sendError(response, 403, 'this address answers to its own machine only')
      if (!url) return sendError(response, 400, 'the request’s target is no path')
      const handler = Object.hasOwn(routes, `${request.method} ${url.pathname}`)
        ? routes[`${request.method} ${url.pathname}`]
        : undefined
      if (handler) await handler(request, response, url.searchParams)
      else sendError(response, 404, `nothing answers ${request.method} ${url.pathname} here; GET / tells what does`)
    } catch (error) {
      if (request.destroyed && !request.complete) return // the sender went away in mid-request
      deps.log(`${request.method} failed: ${(error as Error).stack}`)
      sendError(response, 500, 'the stand-in failed; its log says how')
    }
  }
}

function urlOf({ url = '' }: IncomingMessage): URL | undefined {
  return URL.canParse(url, 'http://localhost') ? new URL(url, 'http://localhost') : undefined
}

const FRAME_IDS_KEPT = 10_000

function intakeHandler({ isKey, take, counters, log, deduplicateFrames, pipelines }: RoutesDeps): Handler {
  const seenFrames = new Set<string>()
  const refuse = (response: ServerResponse, status: number, detail: string) => {
    counters.refused_requests++
    log(`intake refused a request with ${status}: ${detail}`)
    response.setHeader('Connection', 'close')
    sendError(response, status, detail)
  }

  const isRepeated = (frameId: string | undefined): boolean => {
    if (!deduplicateFrames || frameId === undefined) return false
    if (seenFrames.has(frameId)) return true
    seenFrames.add(frameId)
    const [oldest] = seenFrames
    if (seenFrames.size > FRAME_IDS_KEPT && oldest !== undefined) seenFrames.delete(oldest)
    return false
  }

  return async (request, response, query) => {
    const key = textOf(request.headers['dd-api-key']) || query.get('dd-api-key')
    if (!key) return refuse(response, 401, 'no API key: neither header DD-API-KEY nor parameter dd-api-key')
    if (!isKey(key)) return refuse(response, 403, 'the API key is not the one of this account')
    const body = await readBody(request, PAYLOAD_BYTES)
    if (!body) return refuse(response, 413, `the payload is larger than ${PAYLOAD_BYTES} bytes`)
    const submission = { headers: request.headers, query, body, receivedAt: Date.now() }
    const answer = await readSubmission(submission, pipelines)
    if (answer.kind === 'refused') return refuse(response, answer.status, answer.detail)
    if (isRepeated(textOf(request.headers['logplex-frame-id']))) {
      counters.duplicate_frames++
    } else {
      if (answer.tooOld > 0) log(`intake left out ${answer.tooOld} logs dated more than 18 hours ago`)
      counters.too_old += answer.tooOld
      take(answer.logs, body.length)
    }
    sendJson(response, 202, {})
  }
}

const SWITCH_BYTES = 256

/** `{"functions": false}` and `{"functions": true}`, nothing else. */
function forwardingHandler(setForwarding: (on: boolean) => void): Handler {
  return async (request, response) => {
    const wanted = await readBody(request, SWITCH_BYTES)
    const [, on] = /^\s*\{\s*"functions"\s*:\s*(true|false)\s*\}\s*$/.exec(wanted?.toString() ?? '') ?? []
    if (on === undefined) return sendError(response, 400, 'the body is not {"functions": true} or {"functions": false}')
    setForwarding(on === 'true')
    sendJson(response, 200, { functions: on === 'true' })
  }
}

const textOf = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header[0] : header

const LOGS_BY_DEFAULT = 100
const LOGS_AT_MOST = 1000

function searchLogs(response: ServerResponse, query: URLSearchParams, recent: RecentLogs): void {
  const limit = Number(query.get('limit') ?? LOGS_BY_DEFAULT)
  if (!Number.isInteger(limit) || limit < 1 || limit > LOGS_AT_MOST) {
    sendError(response, 400, `limit is not a whole number from 1 to ${LOGS_AT_MOST}`)
    return
  }
  try {
    const matches = compileSearch(query.get('query') ?? '*')
    sendJson(response, 200, { logs: recent.search(matches, limit) })
  } catch (error) {
    if (!(error instanceof SearchSyntaxError)) throw error
    sendError(response, 400, `query: ${error.message}`)
  }
}

/** @returns epoch ms; 0 when nothing is asked, undefined when it cannot be read */
function instantOf(text: string | null): number | undefined {
  if (text === null || text === '') return 0
  const instant = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Date.parse(text)
  return Number.isNaN(instant) ? undefined : instant
}

function monitorState(monitor: Monitor, alerts: AlertBook): Record<string, unknown> {
  const groups = alerts.groups(monitor.slug)
  return {
    monitor: monitor.slug,
    name: monitor.name,
    query: monitor.query,
    tags: monitor.tags,
    state: worstOf(groups),
    groups,
  }
}

const summary = ({
  monitors,
  pipelines,
  mode,
  counters,
  alerts,
}: RoutesDeps): string => `Stand-in for Datadog's logs, monitors and webhooks. It is not Datadog.

It reads the same monitor.json, webhook.json and pipeline.json that are imported there, takes logs on the same intake path, and
follows the documentation; what Datadog does not document is decided here and tested. It has no users, dashboards, metrics, traces,
formulas or retention, keeps the newest logs in memory only, and has never been compared with a live account.

Evaluation: ${mode}. Monitors: ${monitors.map((monitor) => monitor.slug).join(', ') || 'none'}. Pipelines: ${pipelines.map(({ name }) => name).join(', ') || 'none'}.
Logs taken: ${counters.logs}. Alerts: ${alerts.list().length}. Refused requests: ${counters.refused_requests}.

POST /api/v2/logs     application/json, text/plain, application/logplex-1; key in DD-API-KEY or ?dd-api-key=
GET  /lab/alerts      ?since=&monitor=      every transition, its sample and its deliveries
GET  /lab/logs        ?query=&limit=        log search, newest first
POST /rum             ?ddforward=           browser RUM's reports, as its SDK posts them to a proxy
GET  /lab/rum         ?type=&session=&limit=   what came of them, newest first
GET  /mail            ?to=                  the mail that the lab would have sent; /mail.json for programs
GET  /lab/monitors                          groups that are not OK
GET  /api/v1/monitor  ?group_states=        the same as Datadog's API lists it; keys in DD-API-KEY and DD-APPLICATION-KEY
GET  /lab/stream      ?after=               server-sent events: alert, delivery
PUT  /lab/forwarding  {"functions": false}  loses the functions' logs from now on, until it is true again
GET  /lab/health
`
