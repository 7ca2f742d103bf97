import type { IncomingMessage, ServerResponse } from 'node:http'
import { compileSearch, type IndexedLog, type Monitor, SearchSyntaxError } from 'alertproof'
import { PAYLOAD_BYTES, type Pipeline, readSubmission } from 'alertproof/intake'
import type { SiemRule } from 'alertproof/siem'
import * as z from 'zod'
import type { Console } from '../console/console.ts'
import type { CopiedSession } from '../edge/copies.ts'
import type { Mailbox } from '../mailbox/mailbox.ts'
import { mailboxRoutes } from '../mailbox/routes.ts'
import type { AlertBook } from './alerts.ts'
import { type Handler, isHere, isOurs, jsonIn, readBody, sendError, sendJson, sendText } from './http.ts'
import { monitorListHandler, worstOf } from './monitor-api.ts'
import type { RecentLogs } from './recent.ts'
import { RUM_PATH, type RumIntake } from './rum/intake.ts'
import type { SignalBook } from './signals.ts'
import { createStream } from './stream.ts'

export interface Counters {
  logs: number
  refused_requests: number
  /** Left out because they were dated more than 18 h before their arrival. */
  too_old: number
  duplicate_frames: number
}

/** @param sid of the session; without it, the one that a browser used last, preferably one that has not ended */
export type CopyOf = (sid: string | undefined, hasEnded: (sid: string) => boolean) => CopiedSession | undefined

export interface RoutesDeps {
  isKey(presented: string): boolean
  isAppKey(presented: string): boolean
  /** Indexes and evaluates logs; `bytes` is the size of their request. */
  take(logs: readonly IndexedLog[], bytes: number): void
  recent: RecentLogs
  /** Absent if the account has no RUM application. */
  rum: RumIntake | undefined
  /** Absent if there is no forwarder to turn off. */
  setForwarding: ((on: boolean) => void) | undefined
  /** Absent if no edge copies cookies. */
  copyOf: CopyOf | undefined
  /** Absent if there is no mailbox. */
  mailbox: Mailbox | undefined
  /** Absent if this account has no console. */
  console: Console | undefined
  alerts: AlertBook
  signals: SignalBook
  counters: Counters
  /** The present one: it may be replaced at any time. */
  configuration(): { monitors: readonly Monitor[]; rules: readonly SiemRule[]; pipelines: readonly Pipeline[] }
  mode: string
  deduplicateFrames: boolean
  log(line: string): void
}

/** Handles all requests of the stand-in. */
export function createRoutes(deps: RoutesDeps): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const { alerts, signals, counters, recent, configuration, rum, setForwarding } = deps
  const routes: Record<string, Handler> = {
    'POST /api/v2/logs': intakeHandler(deps),
    'POST /v1/input': (_request, response) =>
      sendError(response, 404, 'the v1 intake is not supported: use POST /api/v2/logs'),
    'GET /': async (request, response) => {
      response.setHeader('Vary', 'Accept')
      if (!(await deps.console?.page(request, response))) sendText(response, summary(deps))
    },
    'GET /lab/help': (_request, response) => sendText(response, summary(deps)),
    'GET /lab/health': (_request, response) =>
      sendJson(response, 200, { ok: true, mode: deps.mode, ...counters, logs_kept: recent.size }),
    'GET /lab/alerts': (_request, response, query) => {
      const since = instantOf(query.get('since'))
      if (since === undefined) return sendError(response, 400, 'since must be epoch milliseconds or ISO 8601')
      const monitor = query.get('monitor')
      sendJson(response, 200, { alerts: alerts.list({ since, ...(monitor && { monitor }) }) })
    },
    'GET /lab/signals': (_request, response, query) => {
      const since = instantOf(query.get('since'))
      if (since === undefined) return sendError(response, 400, 'since must be epoch milliseconds or ISO 8601')
      const rule = query.get('rule')
      sendJson(response, 200, { signals: signals.list({ since, ...(rule && { rule }) }) })
    },
    'GET /lab/rules': (_request, response) =>
      sendJson(response, 200, { rules: configuration().rules.map((rule) => ruleState(rule, signals)) }),
    'GET /lab/logs': (_request, response, query) => searchLogs(response, query, recent),
    ...(rum && {
      [`POST ${RUM_PATH}`]: rum.take,
      [`OPTIONS ${RUM_PATH}`]: rum.preflight,
      'GET /lab/rum': (_request: IncomingMessage, response: ServerResponse, query: URLSearchParams) =>
        rum.show(response, query),
    }),
    ...(deps.mailbox && mailboxRoutes(deps.mailbox)),
    ...(deps.copyOf && { 'POST /lab/copies': copyHandler(deps.copyOf, deps) }),
    ...(setForwarding && { 'PUT /lab/forwarding': forwardingHandler(setForwarding) }),
    'GET /lab/monitors': (_request, response) =>
      sendJson(response, 200, { monitors: configuration().monitors.map((monitor) => monitorState(monitor, alerts)) }),
    'GET /api/v1/monitor': monitorListHandler(deps),
    'GET /lab/stream': createStream({ alerts, signals, hub: deps.console?.hub }),
  }
  return async (request, response) => {
    // A reader may close the connection at any time; without a listener that error would end the process.
    response.on('error', () => {})
    try {
      const url = urlOf(request)
      const isReport = url?.pathname === RUM_PATH
      const isWelcome = isOurs(request) || (isReport && isHere(request) && rum?.admits(request))
      if (!isWelcome) return sendError(response, 403, 'only requests from this machine are answered')
      if (!url) return sendError(response, 400, 'the request target must be a path')
      const handler = Object.hasOwn(routes, `${request.method} ${url.pathname}`)
        ? routes[`${request.method} ${url.pathname}`]
        : url && deps.console?.route(request.method ?? '', url.pathname)
      if (handler) await handler(request, response, url.searchParams)
      else sendError(response, 404, `no route for ${request.method} ${url.pathname}; GET /lab/help lists all routes`)
    } catch (error) {
      if (request.destroyed && !request.complete) return // the sender closed the connection before the end of the request
      deps.log(`${request.method} failed: ${error instanceof Error ? error.stack : error}`)
      sendError(response, 500, 'the stand-in failed; see its log')
    }
  }
}

function urlOf({ url = '' }: IncomingMessage): URL | undefined {
  return URL.canParse(url, 'http://localhost') ? new URL(url, 'http://localhost') : undefined
}

const MAX_FRAME_IDS = 10_000

function intakeHandler({ isKey, take, counters, log, deduplicateFrames, configuration }: RoutesDeps): Handler {
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
    if (seenFrames.size > MAX_FRAME_IDS && oldest !== undefined) seenFrames.delete(oldest)
    return false
  }

  return async (request, response, query) => {
    const key = textOf(request.headers['dd-api-key']) || query.get('dd-api-key')
    if (!key) return refuse(response, 401, 'no API key: set the header DD-API-KEY or the parameter dd-api-key')
    if (!isKey(key)) return refuse(response, 403, 'the API key does not belong to this account')
    const body = await readBody(request, PAYLOAD_BYTES)
    if (!body) return refuse(response, 413, `the payload is larger than ${PAYLOAD_BYTES} bytes`)
    const submission = { headers: request.headers, query, body, receivedAt: Date.now() }
    const answer = await readSubmission(submission, configuration().pipelines)
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

const Copying = z.strictObject({ sid: z.string().max(64).optional() })

/**
 * Accepts `{}` or `{"sid": "…"}`, only as JSON: no page of another origin can send that without asking first. The answer holds the
 * secret of a session, so only who can read the secrets of the lab gets it, and no other user of the machine.
 */
function copyHandler(copyOf: CopyOf, { isKey, console }: RoutesDeps): Handler {
  const hasEnded = (sid: string) => console?.hasEnded(sid) ?? false
  return async (request, response) => {
    const key = textOf(request.headers['dd-api-key'])
    if (!key || !isKey(key)) return sendError(response, 403, 'set the header DD-API-KEY to that of secrets.json')
    const isJson = request.headers['content-type'] === 'application/json'
    const body = await readBody(request, SWITCH_BYTES)
    const asked = Copying.safeParse(isJson && body ? jsonIn(body.toString()) : undefined)
    if (!asked.success) return sendError(response, 400, 'the body must be {} or {"sid": "…"}, as JSON')
    const copy = copyOf(asked.data.sid, hasEnded)
    if (!copy) return sendError(response, 404, 'no browser has used such a session')
    if (hasEnded(copy.sid)) return sendError(response, 410, `the session ${copy.sid} has ended`)
    sendJson(response, 200, copy)
  }
}

const SWITCH_BYTES = 256

/** Accepts exactly `{"functions": false}` or `{"functions": true}`. */
function forwardingHandler(setForwarding: (on: boolean) => void): Handler {
  return async (request, response) => {
    const wanted = await readBody(request, SWITCH_BYTES)
    const [, on] = /^\s*\{\s*"functions"\s*:\s*(true|false)\s*\}\s*$/.exec(wanted?.toString() ?? '') ?? []
    if (on === undefined)
      return sendError(response, 400, 'the body must be {"functions": true} or {"functions": false}')
    setForwarding(on === 'true')
    sendJson(response, 200, { functions: on === 'true' })
  }
}

const textOf = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header[0] : header

const DEFAULT_LOGS = 100
const MAX_LOGS = 1000

function searchLogs(response: ServerResponse, query: URLSearchParams, recent: RecentLogs): void {
  const limit = Number(query.get('limit') ?? DEFAULT_LOGS)
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LOGS) {
    sendError(response, 400, `limit must be a whole number from 1 to ${MAX_LOGS}`)
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

/** @returns epoch ms; 0 without a text, undefined for one that cannot be read */
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

function ruleState(rule: SiemRule, signals: SignalBook): Record<string, unknown> {
  const { slug, name, id, isEnabled, tags } = rule
  return { rule: slug, id, name, enabled: isEnabled, tags, open: signals.open(slug) }
}

const listOf = (found: readonly { slug: string }[]): string => found.map(({ slug }) => slug).join(', ') || 'none'

const summary = ({
  configuration,
  mode,
  counters,
  alerts,
  signals,
}: RoutesDeps): string => `Stand-in for Datadog's logs, monitors, Cloud SIEM rules and webhooks. It is not Datadog.

It reads the monitor.json, siem.json, webhook.json and pipeline.json files that are imported into Datadog, accepts logs on the same intake
path, and follows the documentation. Behaviour that Datadog does not document is decided here and tested. It has no users,
dashboards, metrics, traces, formulas or retention, keeps only the newest logs in memory, and was never compared with a live account.

Evaluation of monitors: ${mode}. Monitors: ${listOf(configuration().monitors)}.
Rules, at each event: ${listOf(configuration().rules)}. Pipelines: ${
  configuration()
    .pipelines.map(({ name }) => name)
    .join(', ') || 'none'
}.
Logs accepted: ${counters.logs}. Alerts: ${alerts.list().length}. Changes of signals: ${signals.list().length}. Refused requests: ${counters.refused_requests}.

POST /api/v2/logs     application/json, text/plain, application/logplex-1; key in DD-API-KEY or ?dd-api-key=
GET  /lab/alerts      ?since=&monitor=      all transitions with samples and deliveries
GET  /lab/signals     ?since=&rule=         all changes of signals with samples and deliveries
GET  /lab/logs        ?query=&limit=        log search, newest first
POST /rum             ?ddforward=           reports of browser RUM, as its SDK posts them to a proxy
GET  /lab/rum         ?type=&session=&limit=   the RUM events, newest first
GET  /mail            ?to=                  the mail that the lab would have sent; /mail.json as JSON
GET  /lab/monitors                          groups that are not OK
GET  /lab/rules                             rules of Cloud SIEM with their open signals
GET  /api/v1/monitor  ?group_states=        monitors as listed by Datadog's API; keys in DD-API-KEY and DD-APPLICATION-KEY
GET  /lab/stream      ?after=&events=       server-sent events: alert, signal, delivery; by name also those of the console
GET  /lab/console                           what the console shows first; docs/console.md lists its other routes
PUT  /lab/forwarding  {"functions": false}  drops the functions' logs until it is true again
GET  /lab/health
GET  /lab/help                              this text
`
