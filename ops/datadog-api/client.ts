import { logger } from '@datadog/datadog-api-client/dist/logger.js'
import { createConfiguration } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-common/configuration.js'
import { ApiException } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-common/exception.js'
import { BaseServerConfiguration } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-common/servers.js'
import { DashboardsApi } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-v1/apis/DashboardsApi.js'
import { LogsPipelinesApi } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-v1/apis/LogsPipelinesApi.js'
import { MonitorsApi } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-v1/apis/MonitorsApi.js'
import { WebhooksIntegrationApi } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-v1/apis/WebhooksIntegrationApi.js'
import { ObjectSerializer } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-v1/models/ObjectSerializer.js'
import { type Model, modelOf } from '../../detections/datadog-schema.ts'
import type { Secret } from '../../shared/secret.ts'
import type { Json } from './json.ts'
import { createTransport, type TransportOptions } from './transport.ts'

/** Datadog answered, and not as wanted. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  /** Absent when no answer came. */
  readonly status: number | undefined

  constructor(message: string, status?: number, options?: ErrorOptions) {
    super(message, options)
    this.status = status
  }
}

export interface ApiOptions extends TransportOptions {
  /** e.g. `https://api.datadoghq.eu` */
  readonly url: string
  readonly apiKey: Secret
  readonly appKey: Secret
}

/** What `detections` asks of Datadog. Every call throws {@link ApiError}, whose words name the call and never a key. */
export type DatadogApi = ReturnType<typeof connectApi>

type Answered = Model | 'DashboardSummary' | 'WebhooksIntegrationCustomVariableResponse'

const PAGE = 100

/** Opens nothing by itself: the first call does. */
export function connectApi({ url, apiKey, appKey, ...transport }: ApiOptions) {
  // The client would print a failed request with its whole stack; what failed is told once, by the error.
  logger.setLevel('silent')
  const configuration = createConfiguration({
    baseServer: new BaseServerConfiguration(url, {}),
    authMethods: { apiKeyAuth: apiKey.reveal(), appKeyAuth: appKey.reveal() },
    fetch: createTransport(transport),
    isIaC: true,
  })
  const monitors = new MonitorsApi(configuration)
  const webhooks = new WebhooksIntegrationApi(configuration)
  const pipelines = new LogsPipelinesApi(configuration)
  const dashboards = new DashboardsApi(configuration)

  const asked = async <T>(what: string, request: () => Promise<T>): Promise<T> => {
    try {
      return await request()
    } catch (error) {
      throw explain(error, what, url)
    }
  }
  /** What comes back, in the files' own form. */
  const call = async (what: string, model: Answered | `Array<${Answered}>`, request: () => Promise<unknown>) =>
    ObjectSerializer.serialize(await asked(what, request), model, '')
  const one = (what: string, model: Answered, request: () => Promise<unknown>): Promise<Json> =>
    call(what, model, request)
  const found = async (what: string, model: Answered, request: () => Promise<unknown>): Promise<Json | undefined> => {
    try {
      return await one(what, model, request)
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined
      throw error
    }
  }
  const pages = async (read: (page: number) => Promise<Json[]>): Promise<Json[]> => {
    const all: Json[] = []
    for (let page = 0; ; page++) {
      const items = await read(page)
      all.push(...items)
      if (items.length < PAGE) return all
    }
  }

  return {
    /** @param monitorTags every one of them must be there */
    listMonitors: (filter: { monitorTags?: string; name?: string }) =>
      pages((page) =>
        call('list monitors', 'Array<Monitor>', () => monitors.listMonitors({ ...filter, page, pageSize: PAGE })),
      ),
    /** @throws ApiError with status 400 when Datadog would not take it */
    validateMonitor: (json: Json, id?: number) =>
      asked(`validate the monitor ${json.name}`, () => {
        const body = modelOf('Monitor', json)
        return id === undefined
          ? monitors.validateMonitor({ body })
          : monitors.validateExistingMonitor({ monitorId: id, body })
      }),
    createMonitor: (json: Json) =>
      one(`create the monitor ${json.name}`, 'Monitor', () =>
        monitors.createMonitor({ body: modelOf('Monitor', json) }),
      ),
    updateMonitor: (id: number, json: Json) =>
      one(`change the monitor ${json.name}`, 'Monitor', () =>
        monitors.updateMonitor({ monitorId: id, body: modelOf('MonitorUpdateRequest', json) }),
      ),
    getWebhook: (name: string) =>
      found(`read the webhook ${name}`, 'WebhooksIntegration', () =>
        webhooks.getWebhooksIntegration({ webhookName: name }),
      ),
    createWebhook: (json: Json) =>
      one(`create the webhook ${json.name}`, 'WebhooksIntegration', () =>
        webhooks.createWebhooksIntegration({ body: modelOf('WebhooksIntegration', json) }),
      ),
    updateWebhook: (name: string, json: Json) =>
      one(`change the webhook ${name}`, 'WebhooksIntegration', () =>
        webhooks.updateWebhooksIntegration({
          webhookName: name,
          body: modelOf('WebhooksIntegrationUpdateRequest', json),
        }),
      ),
    /** Without its value when it is hidden. */
    getVariable: (name: string) =>
      found(`read the custom variable ${name}`, 'WebhooksIntegrationCustomVariableResponse', () =>
        webhooks.getWebhooksIntegrationCustomVariable({ customVariableName: name }),
      ),
    createVariable: (json: Json) =>
      one(`create the custom variable ${json.name}`, 'WebhooksIntegrationCustomVariableResponse', () =>
        webhooks.createWebhooksIntegrationCustomVariable({ body: modelOf('WebhooksIntegrationCustomVariable', json) }),
      ),
    updateVariable: (name: string, json: Json) =>
      one(`change the custom variable ${name}`, 'WebhooksIntegrationCustomVariableResponse', () =>
        webhooks.updateWebhooksIntegrationCustomVariable({
          customVariableName: name,
          body: modelOf('WebhooksIntegrationCustomVariableUpdateRequest', json),
        }),
      ),
    listPipelines: (): Promise<Json[]> =>
      call('list log pipelines', 'Array<LogsPipeline>', () => pipelines.listLogsPipelines()),
    createPipeline: (json: Json) =>
      one(`create the pipeline ${json.name}`, 'LogsPipeline', () =>
        pipelines.createLogsPipeline({ body: modelOf('LogsPipeline', json) }),
      ),
    updatePipeline: (id: string, json: Json) =>
      one(`change the pipeline ${json.name}`, 'LogsPipeline', () =>
        pipelines.updateLogsPipeline({ pipelineId: id, body: modelOf('LogsPipeline', json) }),
      ),
    /** Titles and descriptions, without widgets. */
    listDashboards: () =>
      pages(async (page) => {
        const summary = await call('list dashboards', 'DashboardSummary', () =>
          dashboards.listDashboards({ count: PAGE, start: page * PAGE }),
        )
        return summary.dashboards ?? []
      }),
    getDashboard: (id: string) =>
      one(`read the dashboard ${id}`, 'Dashboard', () => dashboards.getDashboard({ dashboardId: id })),
    createDashboard: (json: Json) =>
      one(`create the dashboard ${json.title}`, 'Dashboard', () =>
        dashboards.createDashboard({ body: modelOf('Dashboard', json) }),
      ),
    updateDashboard: (id: string, json: Json) =>
      one(`change the dashboard ${json.title}`, 'Dashboard', () =>
        dashboards.updateDashboard({ dashboardId: id, body: modelOf('Dashboard', json) }),
      ),
  }
}

/** What an application key must be allowed to do, if it has scopes at all. @see Datadog documentation, account_management/rbac/permissions */
const PERMISSIONS =
  'monitors_read, monitors_write, logs_read_data, logs_read_config, logs_write_pipelines, dashboards_read, dashboards_write, integrations_read, manage_integrations'

function explain(error: unknown, what: string, url: string): unknown {
  if (!(error instanceof ApiException)) {
    if (!(error instanceof Error) || error.name === 'AbortError') return error
    const cause = error.cause instanceof Error ? `: ${error.cause.message}` : ''
    const told = error.name === 'TypeError' || error.name === 'TimeoutError'
    return told ? new ApiError(`Could not ${what}: no answer from ${url}${cause}`, undefined, { cause: error }) : error
  }
  const said = messagesOf(error.body)
  const why =
    error.code === 401 || error.code === 403
      ? `Datadog refused the keys (${error.code}${said}). DD_API_KEY and DD_APP_KEY must be of the account at ${url}, and the application key allowed: ${PERMISSIONS}.`
      : error.code === 429
        ? `Datadog says that it was asked too often (429${said}). Try again in a few minutes.`
        : `Datadog answered ${error.code}${said}.`
  return new ApiError(`Could not ${what}: ${why}`, error.code, { cause: error })
}

function messagesOf(body: unknown): string {
  const errors = (body as { errors?: unknown } | undefined)?.errors
  const text = Array.isArray(errors) ? errors.map(String).join('; ') : typeof body === 'string' ? body : ''
  return text === '' ? '' : `: ${text.replace(/\s+/g, ' ').slice(0, 500)}`
}
