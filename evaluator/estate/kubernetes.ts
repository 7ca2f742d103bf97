import { isRecord, numberIn } from '../json.ts'

type Json = Record<string, unknown>

export interface KubernetesMonitor {
  readonly name: string
  readonly within: string
  readonly json: Json
}

/**
 * The monitors of a manifest for the Datadog operator, or of a `List` of them.
 * @see https://github.com/DataDog/datadog-operator/blob/main/api/datadoghq/v1alpha1/datadogmonitor_types.go
 */
export function kubernetesMonitors(document: Json): KubernetesMonitor[] {
  const { apiVersion, kind, items, metadata, spec } = document
  if (kind === 'List' && Array.isArray(items)) {
    return items
      .filter(isRecord)
      .flatMap((item, i) => kubernetesMonitors(item).map((each) => ({ ...each, within: `items[${i}].${each.within}` })))
  }
  if (kind !== 'DatadogMonitor' || typeof apiVersion !== 'string' || !apiVersion.startsWith('datadoghq.com/')) return []
  const name = isRecord(metadata) && typeof metadata.name === 'string' ? metadata.name : 'monitor'
  return [{ name, within: 'spec.', json: apiForm(isRecord(spec) ? spec : {}) }]
}

/** The operator has the options of the API in camel case, and thresholds as texts. `controllerOptions` are its own. */
function apiForm({ controllerOptions, options, ...spec }: Json): Json {
  const json = inSnakeCase(spec)
  return isRecord(options) ? { ...json, options: optionsOf(options) } : json
}

function optionsOf(options: Json): Json {
  const json = inSnakeCase(options)
  for (const name of ['threshold_windows', 'scheduling_options'])
    if (isRecord(json[name])) json[name] = deep(json[name])
  if (isRecord(json.thresholds)) {
    const thresholds = Object.entries(inSnakeCase(json.thresholds)).map(([name, value]) => [name, numberIn(value)])
    json.thresholds = Object.fromEntries(thresholds)
  }
  return json
}

const inSnakeCase = (json: Json): Json =>
  Object.fromEntries(
    Object.entries(json).map(([name, value]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  )

const deep = (json: Json): Json =>
  Object.fromEntries(
    Object.entries(inSnakeCase(json)).map(([name, value]) => [name, isRecord(value) ? deep(value) : value]),
  )
