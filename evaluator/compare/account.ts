import { setTimeout as delay } from 'node:timers/promises'
import { InputError } from '../input-error.ts'
import { isRecord, parseJson } from '../json.ts'

/** @see https://docs.datadoghq.com/getting_started/site/ "Access the Datadog site" */
export const SITES = [
  ...[
    'datadoghq.com',
    'us3.datadoghq.com',
    'us5.datadoghq.com',
    'datadoghq.eu',
    'ap1.datadoghq.com',
    'ap2.datadoghq.com',
  ],
  ...['ddog-gov.com', 'us2.ddog-gov.com'],
] as const

/** The keys of an account. They go into headers only. */
export interface Keys {
  readonly api: string
  readonly app: string
}

export interface Period {
  /** Epoch ms. */
  readonly from: number
  readonly to: number
}

/** The largest page of either search. */
const PAGE_SIZE = 1000
const MOST_RECORDS = 1_000_000
const ATTEMPTS = 6
const TIMEOUT_MS = 60_000
const LONGEST_WAIT_MS = 120_000
const BACKOFF_MS = 1000

/**
 * The origin of a site's API.
 * @param site a Datadog site, or the origin of a server on this machine
 * @returns undefined for anything else: no keys go there
 */
export function originOf(site: string): string | undefined {
  if (SITES.some((each) => each === site)) return `https://api.${site}`
  const url = URL.canParse(site) ? new URL(site) : undefined
  const isLocal = url?.protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)
  return isLocal && url.username === '' && url.password === '' ? url.origin : undefined
}

/** The reads of an account that a comparison needs. */
export class Account {
  readonly #origin: string
  readonly #keys: Keys

  constructor(origin: string, keys: Keys) {
    this.#origin = origin
    this.#keys = keys
  }

  /** @returns the monitor as the API returns it */
  async monitor(id: number): Promise<Record<string, unknown>> {
    const answer = await this.#send('GET', `/api/v1/monitor/${id}`)
    if (!isRecord(answer)) throw new InputError(`Datadog's answer for monitor ${id} is not an object`)
    return answer
  }

  /** @returns the rule of Cloud SIEM as the API returns it */
  async rule(id: string): Promise<Record<string, unknown>> {
    const answer = await this.#send('GET', `/api/v2/security_monitoring/rules/${id}`)
    if (!isRecord(answer)) throw new InputError(`Datadog's answer for rule ${id} is not an object`)
    return answer
  }

  /** The logs that a search finds in a period, oldest first. */
  logs(query: string, index: string, { from, to }: Period): Promise<Record<string, unknown>[]> {
    const filter = { query, indexes: [index], from: new Date(from).toISOString(), to: new Date(to).toISOString() }
    return this.#pages('/api/v2/logs/events/search', filter)
  }

  /**
   * The alert events of a monitor in a period, oldest first.
   * Decision `alert-events`, undocumented in the API reference, which names `@monitor.id` only: a monitor's changes of state are
   * the events that `source:alert @monitor.id:…` finds.
   */
  alerts(id: number, { from, to }: Period): Promise<Record<string, unknown>[]> {
    const filter = {
      query: `source:alert @monitor.id:${id}`,
      from: new Date(from).toISOString(),
      to: new Date(to).toISOString(),
    }
    return this.#pages('/api/v2/events/search', filter)
  }

  /**
   * The signals of a rule in a period, oldest first.
   * Decision `signals-of-rule`, undocumented in the API reference, which has the id of the rule in each signal: the signals of a rule are
   * those that `@workflow.rule.id:…` finds.
   */
  signals(id: string, { from, to }: Period): Promise<Record<string, unknown>[]> {
    const filter = {
      query: `@workflow.rule.id:${id}`,
      from: new Date(from).toISOString(),
      to: new Date(to).toISOString(),
    }
    return this.#pages('/api/v2/security_monitoring/signals/search', filter)
  }

  async #pages(path: string, filter: object): Promise<Record<string, unknown>[]> {
    const records: Record<string, unknown>[] = []
    let cursor: string | undefined
    do {
      const page = { limit: PAGE_SIZE, ...(cursor !== undefined && { cursor }) }
      const answer = await this.#send('POST', path, { filter, sort: 'timestamp', page })
      if (!isRecord(answer) || !Array.isArray(answer.data))
        throw new InputError(`${path}: the answer holds no list \`data\``)
      records.push(...answer.data.filter(isRecord))
      if (records.length > MOST_RECORDS) {
        throw new InputError(`${path}: more than ${MOST_RECORDS.toLocaleString('en')} records: choose a shorter period`)
      }
      const next = isRecord(answer.meta) && isRecord(answer.meta.page) ? answer.meta.page.after : undefined
      cursor = typeof next === 'string' && next !== '' && next !== cursor && answer.data.length > 0 ? next : undefined
    } while (cursor !== undefined)
    return records
  }

  async #send(method: string, path: string, body?: object): Promise<unknown> {
    for (let attempt = 1; ; attempt++) {
      const response = await this.#fetch(method, path, body)
      if (response.ok) return answerOf(await response.text(), path)
      const mayHelp = response.status === 429 || response.status >= 500
      const waitMs = waitOf(response.headers.get('x-ratelimit-reset')) ?? BACKOFF_MS * 2 ** (attempt - 1)
      await response.body?.cancel()
      if (!mayHelp || attempt === ATTEMPTS || waitMs > LONGEST_WAIT_MS)
        throw new InputError(refusalText(path, response.status))
      await delay(waitMs)
    }
  }

  async #fetch(method: string, path: string, body: object | undefined): Promise<Response> {
    try {
      return await fetch(this.#origin + path, {
        method,
        headers: {
          'DD-API-KEY': this.#keys.api,
          'DD-APPLICATION-KEY': this.#keys.app,
          'Content-Type': 'application/json',
        },
        ...(body && { body: JSON.stringify(body) }),
        // A redirect would carry the keys to another host.
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
    } catch (error) {
      if (!(error instanceof Error)) throw error
      const { cause, name } = error
      const reason = cause instanceof Error && cause.message !== '' ? cause.message : name
      throw new InputError(`${this.#origin}${path}: no answer: ${this.#withoutKeys(reason)}`)
    }
  }

  /** A header that cannot be sent is quoted by the error. */
  #withoutKeys(text: string): string {
    return [this.#keys.api, this.#keys.app].reduce((safe, key) => safe.replaceAll(key, '…'), text)
  }
}

function answerOf(text: string, path: string): unknown {
  try {
    return parseJson(text)
  } catch {
    throw new InputError(`${path}: the answer is not JSON`)
  }
}

function refusalText(path: string, status: number): string {
  const isOfRule = path.includes('/security_monitoring/')
  const permissions = isOfRule
    ? 'security_monitoring_rules_read, security_monitoring_signals_read and logs_read_data'
    : 'monitors_read, logs_read_data and events_read'
  const reasons: Record<number, string> = {
    401: 'DD_API_KEY is not accepted',
    403: `the keys may not read this: DD_APP_KEY needs ${permissions}, and --site must be theirs`,
    404: `there is no such ${isOfRule ? 'rule' : 'monitor'}`,
    429: 'the rate limit is exhausted',
  }
  return `${path}: Datadog answered ${status}${reasons[status] === undefined ? '' : `: ${reasons[status]}`}`
}

function waitOf(seconds: string | null): number | undefined {
  return seconds !== null && /^\d+$/.test(seconds) ? Number(seconds) * 1000 : undefined
}
