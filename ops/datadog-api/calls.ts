import { ObjectSerializer } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-v1/models/ObjectSerializer.js'
import type { Model } from '../../detections/datadog-schema.ts'
import { ApiError, explain } from './api-error.ts'
import type { Json } from './json.ts'

type ResponseModel = Model | 'DashboardSummary' | 'WebhooksIntegrationCustomVariableResponse'

export const PAGE_SIZE = 100

export type Calls = ReturnType<typeof createCalls>

/** The forms of a call to Datadog at this URL. Each throws {@link ApiError}, whose message says what the call does. */
export function createCalls(url: string) {
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
  return { send, call, one, oneIfAny }
}

/** Reads page after page, until one is not full. */
export async function pages(read: (page: number) => Promise<Json[]>): Promise<Json[]> {
  const all: Json[] = []
  for (let page = 0; ; page++) {
    const items = await read(page)
    all.push(...items)
    if (items.length < PAGE_SIZE) return all
  }
}
