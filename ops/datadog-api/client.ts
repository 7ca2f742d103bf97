import { logger } from '@datadog/datadog-api-client/dist/logger.js'
import { createConfiguration } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-common/configuration.js'
import { BaseServerConfiguration } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-common/servers.js'
import type { Secret } from '../../shared/secret.ts'
import { createCalls } from './calls.ts'
import { dashboardCalls } from './dashboards.ts'
import { monitorCalls } from './monitors.ts'
import { pipelineCalls } from './pipelines.ts'
import { ruleCalls } from './rules.ts'
import { createTransport, type TransportOptions } from './transport.ts'
import { webhookCalls } from './webhooks.ts'

export interface ApiOptions extends TransportOptions {
  /** e.g. `https://api.datadoghq.eu` */
  readonly url: string
  readonly apiKey: Secret
  readonly appKey: Secret
}

/** The calls to Datadog that `detections` makes. Each throws an ApiError, whose message names the call and never a key. */
export type DatadogApi = ReturnType<typeof connectApi>

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
  const calls = createCalls(url)
  return {
    ...monitorCalls(configuration, calls),
    ...ruleCalls(configuration, calls),
    ...webhookCalls(configuration, calls),
    ...pipelineCalls(configuration, calls),
    ...dashboardCalls(configuration, calls),
  }
}
