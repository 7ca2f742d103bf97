import { isRecord, numberIn } from '../json.ts'
import { parseDocument } from '../monitor/json-document.ts'

/** One monitor of a Terraform state or plan, mapped to what the API takes. */
export interface TerraformMonitor {
  /** `module.alerts.datadog_monitor.errors["eu"]` */
  readonly address: string
  /** Undefined if it is unknown. The faults give the reason. */
  readonly json: Record<string, unknown> | undefined
  readonly faults: readonly { readonly place: string; readonly reason: string }[]
}

type Values = Record<string, unknown>

/** Whether a document is the output of `terraform show -json`, of a state or of a plan, or a file of state. */
export function isTerraform(document: Values): boolean {
  return (
    isState(document) ||
    ('format_version' in document && ('terraform_version' in document || rootsOf(document).length > 0))
  )
}

/**
 * Finds every `datadog_monitor` and `datadog_monitor_json` in the output of `terraform show -json`, those of modules included.
 * @see https://developer.hashicorp.com/terraform/internals/json-format
 * @see https://registry.terraform.io/providers/DataDog/datadog/latest/docs/resources/monitor
 */
export function terraformMonitors(document: Values): TerraformMonitor[] {
  const unknown = unknownIn(document)
  return resourcesIn(document).flatMap(({ address, type, values }): TerraformMonitor[] => {
    const faults = (unknown.get(address) ?? []).map((place) => ({ place, reason: UNKNOWN }))
    if (type === 'datadog_monitor') return [{ address, json: apiForm(values), faults }]
    return type === 'datadog_monitor_json' ? [{ address, ...jsonForm(values, faults) }] : []
  })
}

interface TerraformResource {
  readonly address: string
  readonly type: string
  readonly values: Values
}

/** Every managed resource of the output of `terraform show -json`, or of a file of state, those of modules included. */
export function resourcesIn(document: Values): TerraformResource[] {
  const visit = (module: Values): TerraformResource[] => [
    ...listOf(module.resources).flatMap(({ address, type, mode, values }): TerraformResource[] =>
      mode === 'data' || typeof address !== 'string' || typeof type !== 'string' || !isRecord(values)
        ? []
        : [{ address, type, values }],
    ),
    ...listOf(module.child_modules).flatMap(visit),
  ]
  return (isState(document) ? [moduleOf(document)] : rootsOf(document)).flatMap(visit)
}

/** A file of state, version 4: `terraform.tfstate`, `terraform state pull`. */
const isState = ({ version, terraform_version, resources }: Values): boolean =>
  version === 4 && terraform_version !== undefined && Array.isArray(resources)

/** The resources of a file of state in the form of `terraform show -json`. */
function moduleOf(state: Values): Values {
  const resources = listOf(state.resources).flatMap(({ module, mode, type, name, instances }) =>
    listOf(instances).map(({ index_key: key, attributes }) => {
      const index = key === undefined ? '' : `[${JSON.stringify(key)}]`
      const within = typeof module === 'string' ? `${module}.` : ''
      return { address: `${within}${type}.${name}${index}`, type, mode, values: attributes }
    }),
  )
  return { resources }
}

const UNKNOWN = 'is known only after `terraform apply`: give the output of `terraform show -json` of the state'

/** What a plan does not know yet of what a monitor cannot do without, by address. */
function unknownIn({ resource_changes: changes }: Values): Map<string, string[]> {
  return new Map(
    listOf(changes).flatMap(({ address, change }) => {
      const after = isRecord(change) && isRecord(change.after_unknown) ? change.after_unknown : {}
      const places = ['query', 'type', 'monitor'].filter((name) => after[name] === true)
      return typeof address === 'string' && places.length > 0 ? [[address, places]] : []
    }),
  )
}

const rootsOf = ({ values, planned_values }: Values): Values[] =>
  [values, planned_values].filter(isRecord).flatMap(({ root_module: root }) => (isRecord(root) ? [root] : []))

const listOf = (value: unknown): Values[] => (Array.isArray(value) ? value.filter(isRecord) : [])

/** `monitor` is the whole monitor as one JSON text. */
function jsonForm({ monitor }: Values, unknown: TerraformMonitor['faults']): Omit<TerraformMonitor, 'address'> {
  if (unknown.length > 0) return { json: undefined, faults: unknown }
  if (typeof monitor !== 'string')
    return { json: undefined, faults: [{ place: 'monitor', reason: 'must be a JSON text' }] }
  const { value, faults } = parseDocument(monitor)
  const placed = faults.map(({ place, reason }) => ({ place: `monitor:${place}`, reason }))
  return { json: isRecord(value) ? value : undefined, faults: placed }
}

/** Arguments of the provider that stand beside the options in the API, by its names. */
const OUTSIDE_OPTIONS = ['name', 'type', 'query', 'message', 'tags', 'priority', 'restricted_roles', 'draft_status']
/** Arguments that steer Terraform, or what the provider works out by itself. */
const NOT_SENT = ['id', 'force_delete', 'validate', 'enable_samples', 'effective_tags', 'assets']

/**
 * Blocks are lists of at most one; texts that are empty and lists that are empty were never set. `thresholds` is what the provider
 * called `monitor_thresholds` before version 3.
 */
function apiForm(values: Values): Values {
  const json: Values = {}
  const options: Values = {}
  for (const [name, value] of Object.entries(values)) {
    if (NOT_SENT.includes(name) || isUnset(value)) continue
    if (name === 'priority') json.priority = numberIn(value)
    else if (OUTSIDE_OPTIONS.includes(name)) json[name] = value
    else if (name === 'monitor_thresholds' || name === 'thresholds') options.thresholds = thresholdsOf(blockOf(value))
    else if (name === 'monitor_threshold_windows') options.threshold_windows = blockOf(value)
    else if (name === 'scheduling_options') options.scheduling_options = unblocked(blockOf(value))
    else if (name === 'variables') options.variables = listOf(value).flatMap(queriesOf)
    else if (name !== 'renotify_occurrences' || value !== 0) options[name] = value
  }
  return { ...json, options }
}

const isUnset = (value: unknown): boolean =>
  value === null || value === '' || (Array.isArray(value) && value.length === 0)

const blockOf = (value: unknown): Values => listOf(value)[0] ?? (isRecord(value) ? value : {})

/** The provider keeps thresholds as texts. */
const thresholdsOf = (block: Values): Values =>
  Object.fromEntries(
    Object.entries(block)
      .filter(([, value]) => !isUnset(value))
      .map(([name, value]) => [name, numberIn(value)]),
  )

/** Blocks within blocks, as deep as they go. */
const unblocked = (block: Values): Values =>
  Object.fromEntries(
    Object.entries(block)
      .filter(([, value]) => !isUnset(value))
      .map(([name, value]) => [name, Array.isArray(value) && isRecord(value[0]) ? unblocked(value[0]) : value]),
  )

/** `variables { event_query { … } }`: each kind of query has its own list. */
const queriesOf = (block: Values): Values[] => Object.values(block).flatMap((queries) => listOf(queries).map(queryOf))

/** A query may group by several facets. The provider keeps 0 for a limit that was never set. */
function queryOf(block: Values): Values {
  const groups = listOf(block.group_by).map(unblocked)
  for (const group of groups) if (group.limit === 0) delete group.limit
  return { ...unblocked(block), ...(groups.length > 0 && { group_by: groups }) }
}
