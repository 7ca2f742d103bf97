import { logger } from '@datadog/datadog-api-client/dist/logger.js'
import { createConfiguration } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-common/configuration.js'
import { ApiException } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-common/exception.js'
import { BaseServerConfiguration } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-common/servers.js'
import { DashboardsApi } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-v1/apis/DashboardsApi.js'
import { LogsPipelinesApi } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-v1/apis/LogsPipelinesApi.js'
import { MonitorsApi } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-v1/apis/MonitorsApi.js'
import { WebhooksIntegrationApi } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-v1/apis/WebhooksIntegrationApi.js'
import { ObjectSerializer } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-v1/models/ObjectSerializer.js'
import { SecurityMonitoringApi } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-v2/apis/SecurityMonitoringApi.js'
import { ObjectSerializer as ObjectSerializer2 } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-v2/models/ObjectSerializer.js'
import { type Model, modelOf } from '../../detections/datadog-schema.ts'
import type { Secret } from '../../shared/secret.ts'
import { isJson, type Json } from './json.ts'
import { createTransport, type TransportOptions } from './transport.ts'

/** A call that Datadog refused or did not answer. */
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

/** The calls to Datadog that `detections` makes. Each throws {@link ApiError}, whose message names the call and never a key. */
export type DatadogApi = ReturnType<typeof connectApi>

type ResponseModel = Model | 'DashboardSummary' | 'WebhooksIntegrationCustomVariableResponse'

const PAGE_SIZE = 100

/** Connects lazily, with the first call. */
export function connectApi({ url, apiKey, appKey, ...transport }: ApiOptions) {
  // The client would print each failed request with its stack; the thrown error already reports it.
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
  const security = new SecurityMonitoringApi(configuration)

  const send = async <T>(what: string, request: () => Promise<T>): Promise<T> => {
    try {
      return await request()
    } catch (error) {
      throw explain(error, what, url)
    }
  }
  /** Returns the response in the form of the files. */
  const call = async (
    what: string,
    model: ResponseModel | `Array<${ResponseModel}>`,
    request: () => Promise<unknown>,
  ) => ObjectSerializer.serialize(await send(what, request), model, '')
  const one = (what: string, model: ResponseModel, request: () => Promise<unknown>): Promise<Json> =>
    call(what, model, request)
  const oneIfAny = async (
    what: string,
    model: ResponseModel,
    request: () => Promise<unknown>,
  ): Promise<Json | undefined> => {
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
      if (items.length < PAGE_SIZE) return all
    }
  }

  return {
    /** @param monitorTags a monitor must have all of them */
    listMonitors: (filter: { monitorTags?: string; name?: string }) =>
      pages((page) =>
        call('list monitors', 'Array<Monitor>', () => monitors.listMonitors({ ...filter, page, pageSize: PAGE_SIZE })),
      ),
    /** @throws ApiError with status 400 when Datadog would refuse the monitor */
    validateMonitor: (json: Json, id?: number) =>
      send(`validate the monitor ${json.name}`, () => {
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
    /** Every rule of Cloud SIEM, Datadog's own included. */
    listRules: () =>
      pages(async (page) => {
        const what = 'list the rules of Cloud SIEM'
        const listed = await send(what, () =>
          security.listSecurityMonitoringRules({ pageNumber: page, pageSize: PAGE_SIZE }),
        )
        return (listed.data ?? []).map(
          (rule): Json => ObjectSerializer2.serialize(rule, 'SecurityMonitoringRuleResponse', ''),
        )
      }),
    /** @throws ApiError with status 400 when Datadog would refuse the rule */
    validateRule: (json: Json) =>
      send(`validate the rule ${json.name}`, () =>
        security.validateSecurityMonitoringRule({ body: modelOf('SecurityMonitoringStandardRuleCreatePayload', json) }),
      ),
    createRule: (json: Json) =>
      send(`create the rule ${json.name}`, () =>
        security.createSecurityMonitoringRule({ body: modelOf('SecurityMonitoringStandardRuleCreatePayload', json) }),
      ),
    /** The type of a rule cannot be changed, so it is not sent. */
    updateRule: (id: string, { type: _, ...json }: Json) =>
      send(`change the rule ${json.name}`, () =>
        security.updateSecurityMonitoringRule({
          ruleId: id,
          body: modelOf('SecurityMonitoringRuleUpdatePayload', json),
        }),
      ),
    getWebhook: (name: string) =>
      oneIfAny(`read the webhook ${name}`, 'WebhooksIntegration', () =>
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
    /** Returns no value for a hidden variable. */
    getVariable: (name: string) =>
      oneIfAny(`read the custom variable ${name}`, 'WebhooksIntegrationCustomVariableResponse', () =>
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
          dashboards.listDashboards({ count: PAGE_SIZE, start: page * PAGE_SIZE }),
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

/** The permissions that an application key with scopes needs. @see Datadog documentation, account_management/rbac/permissions */
const PERMISSIONS =
  'monitors_read, monitors_write, logs_read_data, logs_read_config, logs_write_pipelines, dashboards_read, dashboards_write, integrations_read, manage_integrations, security_monitoring_rules_read, security_monitoring_rules_write'

function explain(error: unknown, what: string, url: string): unknown {
  if (!(error instanceof ApiException)) {
    if (!(error instanceof Error) || error.name === 'AbortError') return error
    const cause = error.cause instanceof Error ? `: ${error.cause.message}` : ''
    const isUnreachable = error.name === 'TypeError' || error.name === 'TimeoutError'
    return isUnreachable
      ? new ApiError(`Could not ${what}: no answer from ${url}${cause}`, undefined, { cause: error })
      : error
  }
  const reasons = messagesOf(error.body)
  const why =
    error.code === 401 || error.code === 403
      ? `Datadog refused the keys (${error.code}${reasons}). DD_API_KEY and DD_APP_KEY must belong to the account at ${url}, and the application key needs: ${PERMISSIONS}.`
      : error.code === 429
        ? `Datadog limits the rate of requests (429${reasons}). Run it again in a few minutes.`
        : `Datadog answered ${error.code}${reasons}.`
  return new ApiError(`Could not ${what}: ${why}`, error.code, { cause: error })
}

function messagesOf(body: unknown): string {
  const errors = isJson(body) ? body.errors : undefined
  const text = Array.isArray(errors) ? errors.map(String).join('; ') : typeof body === 'string' ? body : ''
  return text === '' ? '' : `: ${text.replace(/\s+/g, ' ').slice(0, 500)}`
}
