import type { Configuration } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-common/configuration.js'
import { DashboardsApi } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-v1/apis/DashboardsApi.js'
import { modelOf } from '../../detections/datadog-schema.ts'
import { type Calls, PAGE_SIZE, pages } from './calls.ts'
import type { Json } from './json.ts'

/** Dashboards. */
export function dashboardCalls(configuration: Configuration, { call, one }: Calls) {
  const dashboards = new DashboardsApi(configuration)
  return {
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
