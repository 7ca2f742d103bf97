import { basename, dirname, extname } from 'node:path'
import { isRecord } from '../json.ts'
import { isMonitorType } from '../monitor/monitor-reading.ts'
import { kubernetesMonitors } from './kubernetes.ts'
import { isTerraform, terraformMonitors } from './terraform.ts'

/** One monitor as it stands in a document. */
export interface FoundMonitor {
  /** What it is best called, not yet unique. */
  readonly slug: string
  /** Where in the document it stands, as a prefix of places in it: `monitors[3].`; without the dot when it is no object. */
  readonly within: string
  /** Undefined when it is not even JSON. */
  readonly json: Record<string, unknown> | undefined
  readonly faults: readonly { readonly place: string; readonly reason: string }[]
}

/**
 * Finds the monitors in a document: one as the API takes it or the UI exports it, one in the wrapper of Datadog's integrations
 * (`definition`), a list of them (`GET /api/v1/monitor`), `{monitors: […]}`, the output of `terraform show -json`, a state of
 * Terraform, or a manifest of the Datadog operator for Kubernetes.
 * @returns none when the document is something else
 */
export function monitorsIn(document: unknown, file: string): FoundMonitor[] {
  if (Array.isArray(document)) return listed(document, '')
  if (!isRecord(document)) return []
  if (isTerraform(document)) {
    return terraformMonitors(document).map(({ address, json, faults }) => ({
      ...{ slug: address, within: `${address}.`, json, faults },
    }))
  }
  const manifests = kubernetesMonitors(document)
  if (manifests.length > 0) return manifests.map(({ name, ...each }) => ({ slug: name, ...each, faults: [] }))
  if (isMonitor(document)) return [{ slug: slugOfFile(file), within: '', json: document, faults: [] }]
  const { definition, monitors } = document
  if (isRecord(definition) && isMonitor(definition)) {
    return [{ slug: slugOfFile(file), within: 'definition.', json: definition, faults: [] }]
  }
  return Array.isArray(monitors) ? listed(monitors, 'monitors') : []
}

/** A monitor has a type that the API knows, or a query next to a type that it does not. */
const isMonitor = ({ type, query }: Record<string, unknown>): boolean =>
  isMonitorType(type) || (typeof type === 'string' && typeof query === 'string')

/** Objects of other kinds may stand among the monitors; what is no object at all was meant to be one. */
function listed(list: readonly unknown[], name: string): FoundMonitor[] {
  if (!list.some((json) => isRecord(json) && isMonitor(json))) return []
  return list.flatMap((json, i): FoundMonitor[] => {
    if (!isRecord(json)) {
      const fault = { place: '', reason: 'must be an object' }
      return [{ slug: `monitor-${i + 1}`, within: `${name}[${i}]`, json: undefined, faults: [fault] }]
    }
    if (!isMonitor(json)) return []
    const slug = typeof json.name === 'string' && wordsOf(json.name) !== '' ? wordsOf(json.name) : `monitor-${i + 1}`
    return [{ slug, within: `${name}[${i}].`, json, faults: [] }]
  })
}

/** In a folder per monitor the folder names it, otherwise the file does. */
const slugOfFile = (file: string): string =>
  basename(file) === 'monitor.json' ? basename(dirname(file)) : basename(file, extname(file))

export const wordsOf = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-|-$/g, '')
