import { UnparsedObject } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-common/util.js'
import { ObjectSerializer } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-v1/models/ObjectSerializer.js'
import { ObjectSerializer as ObjectSerializer2 } from '@datadog/datadog-api-client/dist/packages/datadog-api-client-v2/models/ObjectSerializer.js'
import { reasonOf } from 'alertproof/cli'

/** The models of Datadog's API that we send, by the client's own names. */
export type Model =
  | 'Monitor'
  | 'MonitorUpdateRequest'
  | 'WebhooksIntegration'
  | 'WebhooksIntegrationUpdateRequest'
  | 'WebhooksIntegrationCustomVariable'
  | 'WebhooksIntegrationCustomVariableUpdateRequest'
  | 'LogsPipeline'
  | 'Dashboard'
  | (typeof OF_V2)[number]

/** The models of the v2 API. */
const OF_V2 = ['SecurityMonitoringStandardRuleCreatePayload', 'SecurityMonitoringRuleUpdatePayload'] as const

const serializerOf = (model: Model) => (OF_V2.some((each) => each === model) ? ObjectSerializer2 : ObjectSerializer)

/** @returns what the client sends of its own object */
export const sentOf = (model: Model, object: unknown): unknown => serializerOf(model).serialize(object, model, '')

/**
 * Checks JSON against the client's own model of it. A misspelt key or a value of an unknown kind, which the client would
 * silently keep, is a fault here. Ranges and the query language are not checked.
 * @returns every fault with its place in the JSON; empty when there is none
 */
export function schemaFaults(model: Model, json: unknown): string[] {
  try {
    return faultsIn(modelOf(model, json), '')
  } catch (error) {
    return [`is not a ${model}: ${reasonOf(error)}`]
  }
}

/**
 * The client's own object of some JSON. It finds the kind of a widget by trying each, and an error's stack for every one that
 * does not fit took most of the time: nobody sees these.
 * @throws Error when a key is missing or a value is of another type
 */
export function modelOf(model: Model, json: unknown) {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return serializerOf(model).deserialize(json, model)
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

function faultsIn(value: unknown, place: string): string[] {
  if (value instanceof UnparsedObject) return [`${place}: nothing that Datadog's API knows`]
  if (Array.isArray(value)) return value.flatMap((item, i) => faultsIn(item, `${place}[${i}]`))
  if (typeof value !== 'object' || value === null || value instanceof Date) return []
  return Object.entries(value).flatMap(([key, inner]) => {
    if (key === '_unparsed') return [] // says only that something inside is unparsed, which has its own fault
    if (key === 'additionalProperties' && typeof inner === 'object' && inner !== null) {
      return Object.keys(inner).map((unknown) => `${at(place, unknown)}: is not a key of Datadog's API`)
    }
    return faultsIn(inner, at(place, snakeCase(key)))
  })
}

const at = (place: string, key: string): string => (place === '' ? key : `${place}.${key}`)

/** The client renames keys; a person looks for those of the file. */
const snakeCase = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
