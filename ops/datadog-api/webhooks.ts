import type { Configuration } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-common/configuration.js'
import { WebhooksIntegrationApi } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-v1/apis/WebhooksIntegrationApi.js'
import { modelOf } from '../../detections/datadog-schema.ts'
import type { Calls } from './calls.ts'
import type { Json } from './json.ts'

/** Webhooks and the custom variables that they use. */
export function webhookCalls(configuration: Configuration, { one, oneIfAny }: Calls) {
  const webhooks = new WebhooksIntegrationApi(configuration)
  return {
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
  }
}
