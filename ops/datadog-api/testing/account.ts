import { once } from 'node:events'
import http from 'node:http'
import { reasonOf } from 'alertproof/cli'
import { parseMonitorQuery } from 'alertproof/query'
import { readRuleJson } from 'alertproof/siem'
import { type Model, schemaFaults } from '../../../detections/datadog-schema.ts'
import { portOf } from '../../../test/port-of.ts'
import { isJson, type Json, tagsOf } from '../json.ts'

type Stored = Record<string, unknown>

/** For tests: the part of Datadog's API that `detections` uses. It checks keys and schema and keeps state; it evaluates nothing. */
export interface FakeApi {
  readonly url: string
  readonly apiKey: string
  readonly appKey: string
  readonly monitors: Map<number, Stored>
  /** Rules of Cloud SIEM. */
  readonly rules: Map<string, Stored>
  readonly pipelines: Map<string, Stored>
  readonly dashboards: Map<string, Stored>
  readonly webhooks: Map<string, Stored>
  /** Hidden values included; the API itself does not return them. */
  readonly variables: Map<string, Stored>
  /** Each as `POST /api/v1/monitor`, in order of arrival. */
  readonly requests: string[]
  /** The requests that change something. */
  writes(): string[]
  /** Sets the answer to the next request, or to the next one that matches `like`. */
  answerNext(answer: { status: number; like?: RegExp; headers?: Record<string, string>; body?: unknown }): void
  close(): Promise<void>
}

interface ApiRequest {
  readonly query: URLSearchParams
  readonly body: Stored
  /** The first group of the path's pattern; empty if it has none. */
  readonly id: string
}

class Refusal extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const VARIABLES = '/api/v1/integration/webhooks/configuration/custom-variables'
const WEBHOOKS = '/api/v1/integration/webhooks/configuration/webhooks'
const RULES = '/api/v2/security_monitoring/rules'
const PIPELINES = '/api/v1/logs/config/pipelines'

export async function startFakeApi(): Promise<FakeApi> {
  const state = {
    monitors: new Map<number, Stored>(),
    rules: new Map<string, Stored>(),
    pipelines: new Map<string, Stored>(),
    dashboards: new Map<string, Stored>(),
    webhooks: new Map<string, Stored>(),
    variables: new Map<string, Stored>(),
  }
  const keys = { apiKey: 'fake-api-key', appKey: 'fake-app-key' }
  const requests: string[] = []
  const answers: Parameters<FakeApi['answerNext']>[0][] = []
  const table = routes(state)

  const answer = (request: http.IncomingMessage, text: string): unknown => {
    if (request.headers['dd-api-key'] === undefined) throw new Refusal(401, 'Unauthorized')
    if (request.headers['dd-api-key'] !== keys.apiKey || request.headers['dd-application-key'] !== keys.appKey)
      throw new Refusal(403, 'Forbidden')
    const url = new URL(request.url ?? '/', 'http://fake')
    for (const [method, pattern, handle] of table) {
      const match = method === request.method ? pattern.exec(url.pathname) : null
      if (match) {
        const body: unknown = text === '' ? {} : JSON.parse(text)
        return handle({
          query: url.searchParams,
          id: decodeURIComponent(match[1] ?? ''),
          body: isJson(body) ? body : {},
        })
      }
    }
    throw new Refusal(404, `no route for ${request.method} ${url.pathname}`)
  }

  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const name = `${request.method} ${request.url?.split('?')[0]}`
    requests.push(name)
    const send = (status: number, body: unknown, headers: Record<string, string> = {}) =>
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
    const planned = answers.findIndex(({ like }) => like === undefined || like.test(name))
    const [set] = planned < 0 ? [] : answers.splice(planned, 1)
    if (set) return send(set.status, set.body ?? { errors: [`the test set the answer ${set.status}`] }, set.headers)
    try {
      send(200, answer(request, Buffer.concat(chunks).toString('utf8')))
    } catch (error) {
      send(error instanceof Refusal ? error.status : 500, { errors: [reasonOf(error)] })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    ...state,
    ...keys,
    url: `http://127.0.0.1:${portOf(server)}`,
    requests,
    writes: () => requests.filter((name) => !name.startsWith('GET') && !/\/validat(e|ion)$/.test(name)),
    answerNext: (planned) => answers.push(planned),
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

type State = Pick<FakeApi, 'monitors' | 'rules' | 'pipelines' | 'dashboards' | 'webhooks' | 'variables'>
type Route = readonly [method: string, pattern: RegExp, handle: (request: ApiRequest) => unknown]

function routes({ monitors, rules, pipelines, dashboards, webhooks, variables }: State): Route[] {
  let lastId = 1000
  const nextId = () => ++lastId
  const stored = <K>(all: Map<K, Stored>, id: K): Stored => {
    const found = all.get(id)
    if (!found) throw new Refusal(404, `${id} not found`)
    return found
  }
  const put = <K>(all: Map<K, Stored>, id: K, value: Stored): Stored => {
    all.set(id, value)
    return value
  }
  const visible = ({ value, ...variable }: Stored) => (variable.is_secret ? variable : { ...variable, value })
  const monitorOf = (body: Stored, id: number) => ({
    id,
    created: '2026-11-22T12:00:00+00:00',
    modified: '2026-11-22T12:00:00+00:00',
    multi: true,
    creator: { email: 'someone@example.com', handle: 'someone@example.com', name: null },
    overall_state: 'OK',
    ...body,
    tags: [...tagsOf(body)].sort(),
    options: { locked: false, silenced: {}, new_host_delay: 300, notify_no_data: false, ...objectIn(body.options) },
  })
  const ruleOf = (body: Stored, id: string, version: number) => ({
    id,
    version,
    createdAt: 1_764_000_000_000,
    creationAuthorId: 1,
    isDefault: false,
    isDeleted: false,
    filters: [],
    ...body,
    tags: [...tagsOf(body)].sort(),
  })
  const pipelineOf = (body: Stored, id: string) => ({ id, type: 'pipeline', is_read_only: false, ...body })
  const dashboardOf = (body: Stored, id: string) => ({
    id,
    author_handle: 'someone@example.com',
    url: `/dashboard/${id}`,
    modified_at: '2026-11-22T12:00:00.000000+00:00',
    ...body,
    widgets: Array.isArray(body.widgets) ? body.widgets.map((widget) => ({ id: nextId(), ...objectIn(widget) })) : [],
  })
  const monitorId = /^\/api\/v1\/monitor\/(\d+)$/
  return [
    [
      'GET',
      /^\/api\/v1\/monitor$/,
      ({ query }) => {
        const wanted = [...monitors.values()].filter(
          (monitor) =>
            String(monitor.name).includes(query.get('name') ?? '') &&
            (query.get('monitor_tags') ?? '').split(',').every((tag) => tag === '' || tagsOf(monitor).includes(tag)),
        )
        const size = Number(query.get('page_size'))
        return wanted.slice(Number(query.get('page')) * size, (Number(query.get('page')) + 1) * size)
      },
    ],
    ['POST', /^\/api\/v1\/monitor\/validate$/, ({ body }) => checkMonitor(body)],
    ['POST', /^\/api\/v1\/monitor\/\d+\/validate$/, ({ body }) => checkMonitor(body)],
    [
      'POST',
      /^\/api\/v1\/monitor$/,
      ({ body }) => {
        checkMonitor(body)
        const id = nextId()
        return put(monitors, id, monitorOf(body, id))
      },
    ],
    [
      'PUT',
      monitorId,
      ({ id, body }) => {
        const before = stored(monitors, Number(id))
        check('MonitorUpdateRequest', body)
        checkMonitor({ ...before, ...body })
        return put(monitors, Number(id), monitorOf(body, Number(id)))
      },
    ],
    [
      'GET',
      new RegExp(`^${RULES}$`),
      ({ query }) => {
        const [size, page] = [Number(query.get('page[size]')), Number(query.get('page[number]'))]
        return { data: [...rules.values()].slice(page * size, (page + 1) * size) }
      },
    ],
    ['POST', new RegExp(`^${RULES}/validation$`), ({ body }) => checkRule(body)],
    [
      'POST',
      new RegExp(`^${RULES}$`),
      ({ body }) => {
        checkRule(body)
        const id = `rule-${nextId()}`
        return put(rules, id, ruleOf(body, id, 1))
      },
    ],
    [
      'PUT',
      new RegExp(`^${RULES}/([^/]+)$`),
      ({ id, body }) => {
        const { type, version } = stored(rules, id)
        check('SecurityMonitoringRuleUpdatePayload', body)
        checkRule({ ...body, type })
        return put(rules, id, ruleOf({ ...body, type }, id, Number(version) + 1))
      },
    ],
    ['GET', new RegExp(`^${PIPELINES}$`), () => [...pipelines.values()]],
    [
      'POST',
      new RegExp(`^${PIPELINES}$`),
      ({ body }) => {
        check('LogsPipeline', body)
        const id = `pipeline-${nextId()}`
        return put(pipelines, id, pipelineOf(body, id))
      },
    ],
    [
      'PUT',
      new RegExp(`^${PIPELINES}/([^/]+)$`),
      ({ id, body }) => {
        stored(pipelines, id)
        check('LogsPipeline', body)
        return put(pipelines, id, pipelineOf(body, id))
      },
    ],
    [
      'GET',
      /^\/api\/v1\/dashboard$/,
      ({ query }) => {
        const start = Number(query.get('start'))
        const summaries = [...dashboards.values()].map(
          ({ widgets: _, template_variables: __, reflow_type: ___, ...rest }) => rest,
        )
        return { dashboards: summaries.slice(start, start + Number(query.get('count'))) }
      },
    ],
    ['GET', /^\/api\/v1\/dashboard\/([^/]+)$/, ({ id }) => stored(dashboards, id)],
    [
      'POST',
      /^\/api\/v1\/dashboard$/,
      ({ body }) => {
        check('Dashboard', body)
        const id = `dash-${nextId()}`
        return put(dashboards, id, dashboardOf(body, id))
      },
    ],
    [
      'PUT',
      /^\/api\/v1\/dashboard\/([^/]+)$/,
      ({ id, body }) => {
        stored(dashboards, id)
        check('Dashboard', body)
        return put(dashboards, id, dashboardOf(body, id))
      },
    ],
    ['GET', new RegExp(`^${WEBHOOKS}/([^/]+)$`), ({ id }) => stored(webhooks, id)],
    [
      'POST',
      new RegExp(`^${WEBHOOKS}$`),
      ({ body }) => {
        check('WebhooksIntegration', body)
        return put(webhooks, String(body.name), body)
      },
    ],
    [
      'PUT',
      new RegExp(`^${WEBHOOKS}/([^/]+)$`),
      ({ id, body }) => {
        check('WebhooksIntegrationUpdateRequest', body)
        return put(webhooks, id, { ...stored(webhooks, id), ...body })
      },
    ],
    ['GET', new RegExp(`^${VARIABLES}/([^/]+)$`), ({ id }) => visible(stored(variables, id))],
    [
      'POST',
      new RegExp(`^${VARIABLES}$`),
      ({ body }) => {
        check('WebhooksIntegrationCustomVariable', body)
        return visible(put(variables, String(body.name), body))
      },
    ],
    [
      'PUT',
      new RegExp(`^${VARIABLES}/([^/]+)$`),
      ({ id, body }) => {
        check('WebhooksIntegrationCustomVariableUpdateRequest', body)
        return visible(put(variables, id, { ...stored(variables, id), ...body }))
      },
    ],
  ]
}

const objectIn = (value: unknown): Json => (isJson(value) ? value : {})

function check(model: Model, body: Stored): void {
  const faults = schemaFaults(model, body)
  if (faults.length > 0) throw new Refusal(400, faults.join('; '))
}

function checkRule(body: Stored): Stored {
  check('SecurityMonitoringStandardRuleCreatePayload', body)
  const { faults } = readRuleJson(body, { slug: 'rule', file: 'body' }, false)
  if (faults.length > 0) throw new Refusal(400, faults.map(({ place, reason }) => `${place}: ${reason}`).join('; '))
  return {}
}

/** The checks that Datadog makes beyond the schema, with its own messages. */
function checkMonitor(body: Stored): Stored {
  const { id: _, created: __, modified: ___, multi: ____, creator: _____, overall_state: ______, ...sent } = body
  check('Monitor', sent)
  let threshold: number
  try {
    threshold = parseMonitorQuery(String(body.query)).threshold
  } catch {
    throw new Refusal(400, "The value provided for parameter 'query' is invalid")
  }
  const { critical } = objectIn(objectIn(body.options).thresholds)
  if (critical !== undefined && critical !== threshold) {
    throw new Refusal(400, `Alert threshold (${critical}) does not match that used in the query (${threshold}).`)
  }
  return {}
}
