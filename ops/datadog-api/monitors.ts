import type { Configuration } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-common/configuration.js'
import { MonitorsApi } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-v1/apis/MonitorsApi.js'
import { modelOf } from '../../detections/datadog-schema.ts'
import { type Calls, PAGE_SIZE, pages } from './calls.ts'
import type { Json } from './json.ts'

/** Monitors. */
export function monitorCalls(configuration: Configuration, { send, call, one }: Calls) {
  const monitors = new MonitorsApi(configuration)
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
  }
}
