import type { IncomingMessage } from 'node:http'
import { HOST_VERSION } from './core-module.ts'
import type { FunctionTable, HttpFunction, TimerFunction } from './function-table.ts'
import { readWholeBody } from './http-request.ts'

/** The answer to an administrative request. */
export interface AdminAnswer {
  readonly status: number
  readonly json?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface AdminDeps {
  readonly table: FunctionTable
  /** Starts a run of a known timer, even if it is disabled. */
  readonly startTimer: (name: string) => void
  readonly warn: (text: string) => void
}

const MAX_BODY_BYTES = 64 * 1024
const NO_STORE = { 'cache-control': 'no-store,no-cache', pragma: 'no-cache' }
const STARTED_AT = Date.now() - process.uptime() * 1000

/** @returns whether the path is reserved for the host, regardless of the app's routes */
export const isReservedPath = (segments: readonly string[]): boolean =>
  ['admin', 'runtime'].includes(segments[0]?.toLowerCase() ?? '')

/**
 * Answers the host's own endpoints for a running app: ping, host status, the functions, their status, and a run on request.
 * Keys, files, drain, restart, scale and health checks are not supported; they and unknown methods give a 404.
 * @param origin of this host in the caller's request, such as `http://127.0.0.1:7071`
 * @see `HostController` and `FunctionsController` in https://github.com/Azure/azure-functions-host
 */
export async function answerAdmin(
  request: IncomingMessage,
  segments: readonly string[],
  origin: string,
  deps: AdminDeps,
): Promise<AdminAnswer> {
  const [root, collection, name, leaf] = segments.map((segment) => segment.toLowerCase())
  const method = request.method ?? ''
  if (root !== 'admin' || segments.length > 4) return { status: 404 }
  if (collection === 'host' && segments.length === 3) return answerHost(method, name)
  if (collection !== 'functions') return { status: 404 }
  const all = allFunctions(deps.table)
  if (name === undefined && method === 'GET') return json(all.map((each) => description(each, origin)))
  const found = all.find((each) => each.name.toLowerCase() === name)
  if (leaf === 'status' && method === 'GET') return found ? json(functionStatus(found)) : { status: 404 }
  if (leaf !== undefined) return { status: 404 }
  if (method === 'GET') return found ? json(description(found, origin)) : { status: 404 }
  return method === 'POST' && name !== undefined ? runNow(request, name, deps) : { status: 404 }
}

function answerHost(method: string, name: string | undefined): AdminAnswer {
  if (name === 'ping' && (method === 'GET' || method === 'POST')) return { status: 200, headers: NO_STORE }
  if (name === 'status' && method === 'GET') {
    // Azure's host adds an id derived from the machine's name, and facts that only Azure has.
    const processUptime = Math.round(Date.now() - STARTED_AT)
    return json({ state: 'Running', version: HOST_VERSION, versionDetails: 'embedded host of the lab', processUptime })
  }
  return { status: 404 }
}

/** `POST /admin/functions/<name>` with a JSON object such as `{"input": ""}`. A timer ignores the input. */
async function runNow(request: IncomingMessage, name: string, deps: AdminDeps): Promise<AdminAnswer> {
  if (!isJson(request.headers['content-type'])) return { status: 415 }
  const body = await readWholeBody(request, MAX_BODY_BYTES)
  if (body.kind === 'too-large') return { status: 413 }
  if (body.kind === 'aborted' || !isInvocation(Buffer.from(body.bytes ?? []).toString())) return { status: 400 }
  const same = (each: { name: string }) => each.name.toLowerCase() === name
  const timer = deps.table.timers.find(same)
  if (timer) {
    deps.startTimer(timer.name)
    return { status: 202 }
  }
  const http = deps.table.http.find(same)
  if (!http) return { status: 404 }
  // Azure's host would turn the input into a request, in an undocumented way.
  deps.warn(`Function ${http.name} has an HTTP trigger: the request is accepted but not run. Call its route instead`)
  return { status: 202 }
}

/** JSON types of Newtonsoft's formatters, in UTF-8. Azure's host also reads XML, this one does not. */
function isJson(contentType = ''): boolean {
  const [type = '', ...parameters] = contentType.toLowerCase().split(';')
  const charset = parameters.find((each) => each.trim().startsWith('charset='))
  if (charset !== undefined && !/=\s*"?utf-8"?\s*$/.test(charset)) return false
  return /^(application|text)\/json$|^application\/[\w.-]+\+json$/.test(type.trim())
}

/** Whether the text is a JSON object whose `input`, if any, can be converted to a string. */
function isInvocation(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
    const input = 'input' in value ? value.input : null
    return input === null || typeof input !== 'object'
  } catch {
    return false
  }
}

interface Listed {
  readonly name: string
  readonly source: HttpFunction | TimerFunction | undefined
  readonly bindings: Readonly<Record<string, object>>
  readonly errors: readonly string[]
}

/** All registered functions by name, including those that are disabled or in error. */
function allFunctions({ http, timers, faults }: FunctionTable): Listed[] {
  const served = [...http, ...timers].map((source) => ({ source, registered: source.registered, errors: [] }))
  const failed = faults.map(({ registered, message }) => ({ source: undefined, registered, errors: [message] }))
  return [...served, ...failed]
    .map(({ source, registered: { metadata }, errors }) => ({
      name: metadata.name,
      bindings: metadata.bindings,
      source,
      errors,
    }))
    .sort((a, b) => (a.name.toUpperCase() < b.name.toUpperCase() ? -1 : 1))
}

/** @see `FunctionMetadataResponse`. There is no file API, so every link to a file is null. */
function description({ name, source, bindings }: Listed, origin: string) {
  return {
    name,
    script_root_path_href: null,
    script_href: null,
    config_href: null,
    test_data_href: null,
    href: `${origin}/admin/functions/${name}`,
    invoke_url_template: source?.kind === 'http' ? `${origin}/${source.route}`.toLowerCase() : null,
    language: 'node',
    config: { name, bindings: Object.entries(bindings).map(([binding, rest]) => ({ name: binding, ...rest })) },
    files: null,
    test_data: null,
    isDisabled: source?.disabled ?? false,
    isDirect: false,
    isProxy: false,
  }
}

const functionStatus = ({ errors }: Listed) => (errors.length > 0 ? { errors } : {})

const json = (value: unknown): AdminAnswer => ({ status: 200, json: value })
