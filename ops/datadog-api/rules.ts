import type { Configuration } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-common/configuration.js'
import { SecurityMonitoringApi } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-v2/apis/SecurityMonitoringApi.js'
import { ObjectSerializer } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-v2/models/ObjectSerializer.js'
import { modelOf } from '../../detections/datadog-schema.ts'
import { type Calls, PAGE_SIZE, pages } from './calls.ts'
import type { Json } from './json.ts'

/** Rules of Cloud SIEM. */
export function ruleCalls(configuration: Configuration, { send }: Calls) {
  const security = new SecurityMonitoringApi(configuration)
  return {
    /** Every rule of Cloud SIEM, Datadog's own included. */
    listRules: () =>
      pages(async (page) => {
        const what = 'list the rules of Cloud SIEM'
        const listed = await send(what, () =>
          security.listSecurityMonitoringRules({ pageNumber: page, pageSize: PAGE_SIZE }),
        )
        return (listed.data ?? []).map(
          (rule): Json => ObjectSerializer.serialize(rule, 'SecurityMonitoringRuleResponse', ''),
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
  }
}
