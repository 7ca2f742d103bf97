import type { RegisteredFunction } from './core-module.ts'
import { matchRoute, parseRoute, routesOverlap, type Segment } from './route.ts'
import type { FunctionMetadata } from './rpc.ts'

export interface HttpFunction {
  readonly kind: 'http'
  readonly name: string
  readonly registered: RegisteredFunction
  readonly binding: string
  /** Upper case. */
  readonly methods: readonly string[]
  /** Prefix included, without slashes at its ends. */
  readonly route: string
  readonly segments: readonly Segment[]
  readonly authLevel: string
  readonly disabled: boolean
}

export interface TimerFunction {
  readonly kind: 'timer'
  readonly name: string
  readonly registered: RegisteredFunction
  readonly binding: string
  readonly options: Readonly<Record<string, unknown>>
  readonly disabled: boolean
}

export interface FunctionFault {
  readonly registered: RegisteredFunction
  readonly message: string
}

export interface FunctionTable {
  /** In the order of matching: by name, ignoring case. */
  readonly http: readonly HttpFunction[]
  readonly timers: readonly TimerFunction[]
  /** The functions in error, which are not served, each with a message. */
  readonly faults: readonly FunctionFault[]
  /** Settings that probably do not work as intended. */
  readonly warnings: readonly string[]
}

const NAME_PATTERN = /^[A-Za-z][A-Za-z0-9_-]{0,127}$/

/**
 * Builds the table of an app's registrations by the host's rules. A function in error does not affect the others.
 * @throws Error for a route feature of Azure that this host does not support
 */
export function buildFunctionTable(
  registered: Iterable<RegisteredFunction>,
  routePrefix: string,
  env: Readonly<Record<string, string | undefined>>,
): FunctionTable {
  const http: HttpFunction[] = []
  const timers: TimerFunction[] = []
  const faults: FunctionFault[] = []
  const fail = (registered: RegisteredFunction, fault: string) =>
    faults.push({ registered, message: `The '${registered.metadata.name}' function is in error: ${fault}` })
  for (const entry of [...registered].sort(byName)) {
    const { name } = entry.metadata
    const fault = faultOf(entry.metadata)
    if (fault !== undefined) {
      fail(entry, fault)
      continue
    }
    const found = triggerOf(entry.metadata)
    if (!found) continue
    const [binding, trigger] = found
    const disabled = isTrue(env[`AzureWebJobs.${name}.Disabled`] ?? env[`AzureWebJobs_${name}_Disabled`])
    const common = { name, registered: entry, binding, disabled }
    if (/^timer/i.test(trigger.type)) {
      timers.push({ kind: 'timer', ...common, options: trigger })
      continue
    }
    const candidate = { kind: 'http' as const, ...common, ...httpOptions(trigger, name, routePrefix) }
    const conflict = conflictOf(candidate, http)
    if (conflict === undefined) http.push(candidate)
    else fail(entry, conflict)
  }
  return { http, timers, faults, warnings: warningsOf([...http, ...timers], http) }
}

/** @returns the first function by name whose template and method match; no precedence of literals, as in Azure */
export function findFunction(
  table: readonly HttpFunction[],
  method: string,
  path: readonly string[],
): { readonly target: HttpFunction; readonly params: Readonly<Record<string, string>> } | undefined {
  for (const target of table) {
    if (target.disabled || !target.methods.includes(method)) continue
    const params = matchRoute(target.segments, path)
    if (params) return { target, params }
  }
  return undefined
}

type TriggerBinding = [string, FunctionMetadata['bindings'][string]]

const triggerOf = (metadata: FunctionMetadata): TriggerBinding | undefined =>
  Object.entries(metadata.bindings).find(([, binding]) => /trigger$/i.test(binding.type))

function faultOf(metadata: FunctionMetadata): string | undefined {
  if (!NAME_PATTERN.test(metadata.name)) return 'its name is invalid'
  const trigger = triggerOf(metadata)
  if (!trigger) return 'it has no trigger'
  const [, { type }] = trigger
  if (!/^(http|timer)trigger$/i.test(type)) return `this host does not support the trigger type '${type}'`
  for (const [name, binding] of Object.entries(metadata.bindings)) {
    if (name === trigger[0] || (name === '$return' && binding.type.toLowerCase() === 'http')) continue
    return `this host does not support the binding '${binding.type}' (${binding.direction})`
  }
  return undefined
}

function httpOptions(trigger: FunctionMetadata['bindings'][string], name: string, routePrefix: string) {
  const template = typeof trigger.route === 'string' ? trigger.route : name
  const route = [routePrefix, template.replace(/^\/+|\/+$/g, '')].filter((part) => part !== '').join('/')
  const methods = Array.isArray(trigger.methods) ? trigger.methods.map((method) => String(method).toUpperCase()) : []
  return { methods, route, segments: parseRoute(route), authLevel: String(trigger.authLevel ?? 'anonymous') }
}

function conflictOf(candidate: HttpFunction, earlier: readonly HttpFunction[]): string | undefined {
  const first = candidate.route.split('/')[0]?.toLowerCase()
  if (first === 'admin' || first === 'runtime')
    return `the route '${candidate.route}' conflicts with one or more built in routes`
  const same = earlier.find((other) => sameRoute(candidate, other) && methodsIntersect(candidate, other))
  return same && `the route '${candidate.route}' conflicts with the route defined by function '${same.name}'`
}

function warningsOf(all: readonly (HttpFunction | TimerFunction)[], http: readonly HttpFunction[]): string[] {
  const warnings = all.filter((each) => each.disabled).map((each) => `Function ${each.name} is disabled: not served`)
  for (const each of all) {
    if (each.registered.metadata.retryOptions !== undefined)
      warnings.push(`Function ${each.name}: retry has no effect in this host`)
  }
  for (const [index, a] of http.entries()) {
    if (a.authLevel !== 'anonymous')
      warnings.push(`Function ${a.name}: this host does not enforce authLevel '${a.authLevel}'`)
    for (const b of http.slice(index + 1)) {
      if (methodsIntersect(a, b) && routesOverlap(a.segments, b.segments)) {
        warnings.push(`Routes overlap: '${a.route}' (${a.name}) hides '${b.route}' (${b.name}) where both match`)
      }
    }
  }
  return warnings
}

const sameRoute = (a: HttpFunction, b: HttpFunction): boolean => a.route.toLowerCase() === b.route.toLowerCase()
const methodsIntersect = (a: HttpFunction, b: HttpFunction): boolean =>
  a.methods.some((each) => b.methods.includes(each))
const isTrue = (value: string | undefined): boolean => value === '1' || value?.toLowerCase() === 'true'
const byName = (a: RegisteredFunction, b: RegisteredFunction): number => {
  const [left, right] = [a.metadata.name.toUpperCase(), b.metadata.name.toUpperCase()]
  return left < right ? -1 : left > right ? 1 : 0
}
