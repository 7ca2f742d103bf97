import type { Configuration } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-common/configuration.js'
import { LogsPipelinesApi } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-v1/apis/LogsPipelinesApi.js'
import { modelOf } from '../../detections/datadog-schema.ts'
import type { Calls } from './calls.ts'
import type { Json } from './json.ts'

/** Log pipelines. */
export function pipelineCalls(configuration: Configuration, { call, one }: Calls) {
  const pipelines = new LogsPipelinesApi(configuration)
  return {
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
  }
}
