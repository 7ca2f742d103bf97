import type { IncomingMessage, ServerResponse } from 'node:http'
import type { IndexedLog } from 'alertproof'
import type { AlertBook, AlertEvent } from '../datadog/alerts.ts'
import type { Handler, Routes } from '../datadog/http.ts'
import { sendError, sendJson } from '../datadog/http.ts'
import type { SignalBook, SignalEvent } from '../datadog/signals.ts'
import type { ConsoleInfo } from './api.ts'
import { AttackRuns } from './attack-runs.ts'
import { numberIn } from './changing.ts'
import { cspRoutes } from './csp.ts'
import { deliveriesRoutes } from './deliveries-routes.ts'
import { DeliveryBook } from './delivery-book.ts'
import { explainRoutes } from './explain.ts'
import { fileRoutes, filesOf } from './files.ts'
import { Hub } from './hub.ts'
import { Ledger } from './ledger.ts'
import { MonitorViews, type MonitorViewsDeps, queryOf } from './monitor-views.ts'
import { createPage, wantsPage } from './page.ts'
import type { AttacksPort, ContainmentsPort } from './ports.ts'
import { searchRoutes } from './search.ts'
import { type CountryOf, SessionViews } from './session-views.ts'
import type { SignedCall } from './signed-calls.ts'
import { Tail } from './tail.ts'
import { TraceViews } from './trace-views.ts'

export interface ConsoleOptions {
  /** The root of the project, which holds the built page and the files that a person may open. */
  readonly root: string
  /** The folder that stands for `detections/`. */
  readonly detections: string
  readonly version: string
  readonly urls: ConsoleInfo['urls']
  /** The name of the exercise that runs. */
  readonly exercise?: string
  readonly containments?: ContainmentsPort
  readonly attacks?: AttacksPort
  readonly countryOf?: CountryOf
}

/** What the stand-in gives to its console. */
export interface ConsoleDeps extends ConsoleOptions, Omit<MonitorViewsDeps, 'hub' | 'now'> {
  readonly mode: string
  readonly can: readonly string[]
  /** The logs that are kept, in order of arrival. */
  readonly logs: Iterable<IndexedLog>
  readonly log: (line: string) => void
}

/** The server of the console. */
export interface Console {
  /** The changes that readers of the stream get. */
  readonly hub: Hub
  readonly values: MonitorViews
  /** Sees the deliveries of alerts and signals. */
  readonly deliveries: DeliveryBook
  /** Sees every log that is accepted. */
  see(log: IndexedLog): void
  /** Sees a signed call of functions to web. */
  noteCall(call: SignedCall): void
  /** Whether the logs say that a session has ended. */
  hasEnded(sid: string): boolean
  follow(alerts: AlertBook, signals: SignalBook): void
  /** @returns what handles a request; undefined if none of its routes does */
  route(method: string, path: string): Handler | undefined
  /** Sends the page. @returns false if the request is no browser's, or the page is not built */
  page(request: IncomingMessage, response: ServerResponse): Promise<boolean>
  close(): void
}

const MAX_TRACES = 200

export function createConsole(deps: ConsoleDeps): Console {
  const { root, urls, mode, version, exercise = null, configuration, log } = deps
  const hub = new Hub()
  const page = createPage(`${root}/dist/console`)
  const tail = new Tail(hub)
  const sessions = new SessionViews(hub, deps.countryOf)
  const values = new MonitorViews({ ...deps, hub })
  const deliveries = new DeliveryBook(hub, (trace) => traces.grow(trace))
  const ledger =
    deps.containments &&
    new Ledger({
      ...{ port: deps.containments, hub, log },
      changed: () => traces.growNewest(),
      effectOf: (id) => traces.effectOf(id),
    })
  const attacks = deps.attacks && new AttackRuns(deps.attacks, hub)
  const traces: TraceViews = new TraceViews({
    ...{ hub, deliveries },
    rowOf: (id) => ledger?.row(id),
    filesOf: (by, detection) =>
      filesOf(by, detectionOf(configuration(), by, detection) ?? { slug: detection, tags: [] }),
    queryOf: (by, detection) => queryOf(detectionOf(configuration(), by, detection)),
  })
  const can = [...deps.can, ...(ledger ? ['containments'] : []), ...(attacks ? ['attacks'] : [])]
  const info: ConsoleInfo = { urls, mode, version, can, exercise }
  const routes: Routes = {
    'GET /lab/console': (_request, response) => sendJson(response, 200, info),
    'GET /lab/tail': (_request, response) => sendJson(response, 200, tail.view()),
    'GET /lab/sessions': (_request, response) => sendJson(response, 200, { sessions: sessions.list() }),
    'GET /lab/values': (_request, response) => sendJson(response, 200, { monitors: values.list() }),
    'GET /lab/traces': async (_request, response, query) => {
      const since = numberIn(query.get('since'), 0, 0, Number.MAX_SAFE_INTEGER)
      const limit = numberIn(query.get('limit'), MAX_TRACES, 1, MAX_TRACES)
      if (since === undefined) return sendError(response, 400, 'since must be epoch milliseconds')
      if (limit === undefined) return sendError(response, 400, `limit must be a whole number from 1 to ${MAX_TRACES}`)
      await ledger?.refresh()
      sendJson(response, 200, { traces: traces.list({ since, limit }) })
    },
    ...deliveriesRoutes(deliveries),
    ...searchRoutes(deps.logs),
    ...explainRoutes(deps),
    ...fileRoutes(root, deps.detections),
    ...ledger?.routes(),
    ...attacks?.routes(),
    ...cspRoutes(),
  }
  return {
    hub,
    values,
    deliveries,
    see(entry) {
      tail.see(entry)
      sessions.see(entry)
      traces.see(entry)
      if (entry.attributes.evt === 'contain' || entry.attributes.evt === 'webhook') ledger?.touch()
    },
    hasEnded: (sid) => sessions.hasEnded(sid),
    noteCall: (call) => traces.noteCall(call),
    follow(alerts, signals) {
      const trace = (event: AlertEvent | SignalEvent) => {
        if (event.kind === 'alert') traces.alert(event.alert)
        if (event.kind === 'signal') traces.signal(event.signal)
      }
      alerts.subscribe(trace)
      signals.subscribe(trace)
    },
    route: (method, path) =>
      Object.hasOwn(routes, `${method} ${path}`)
        ? routes[`${method} ${path}`]
        : method === 'GET'
          ? page.asset(path)
          : undefined,
    page: async (request, response) => wantsPage(request) && (await page.send(request, response)),
    close() {
      attacks?.close()
      ledger?.close()
      deliveries.close()
      hub.close()
    },
  }
}

type Configuration = ReturnType<ConsoleDeps['configuration']>

const detectionOf = ({ monitors, rules }: Configuration, by: 'monitor' | 'rule', slug: string) =>
  (by === 'monitor' ? monitors : rules).find((each) => each.slug === slug)
