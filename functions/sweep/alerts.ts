import { setTimeout as delay } from 'node:timers/promises'
import * as z from 'zod'
import type { FunctionsConfig } from '../../shared/config.ts'
import type { Secret } from '../../shared/secret.ts'

/** A group of one of our monitors that is in alert. */
export interface OpenAlert {
  monitorId: string
  tags: readonly string[]
  /** The name of the group in Datadog: `@sid:…`, with commas between entries; `*` for a monitor without groups. */
  scope: string
  /** The start of its last alert: epoch ms, whole seconds. */
  triggeredAt: number
}

export interface OpenAlerts {
  /**
   * Lists the groups in alert, one page of monitors after the other.
   * @param signal ends the waiting for Datadog
   * @throws AlertsUnavailable when Datadog does not answer, refuses, or answers something else
   */
  pages(signal: AbortSignal): AsyncIterable<OpenAlert[]>
}

/** The open alerts could not be read. The message never contains a key. */
export class AlertsUnavailable extends Error {
  override readonly name = 'AlertsUnavailable'
}

export interface OpenAlertsOptions {
  /** e.g. `https://api.datadoghq.eu` */
  readonly url: string
  readonly apiKey: Secret
  readonly appKey: Secret
  readonly now: () => number
  readonly fetch?: typeof fetch
  /** The time limit of one request. */
  readonly timeoutMs?: number
  readonly pageSize?: number
}

/** The tag that `detections push` sets on every monitor. */
const MARK = 'managed-by:mini-ato-saas'
const TIMEOUT_MS = 5_000
const PAGE_SIZE = 100
/** More monitors than we have. A server without paging would otherwise be asked forever. */
const PAGES_MOST = 20
const BYTES_MOST = 32 * 1024 * 1024
/** The next sweep continues after a longer wait. */
const LONGEST_WAIT_MS = 5_000

/** A longer tag or group name is not ours. */
const LONGEST = 512

/** The time of a group that was never in alert is null. @see Datadog API reference, Get all monitors */
const Group = z.object({ status: z.string(), last_triggered_ts: z.number().int().min(0).max(1e11).nullish() })
/** Every field is parsed alone, so that one broken tag or group does not hide the others. */
const Monitor = z.object({
  id: z.number().int(),
  tags: z.array(z.unknown()).transform((tags) => tags.filter(isShort)),
  state: z.object({ groups: z.record(z.string(), z.unknown()).nullish().catch(undefined) }).nullish(),
})
type Monitor = z.infer<typeof Monitor>

function isShort(text: unknown): text is string {
  return typeof text === 'string' && text.length <= LONGEST
}

/** @returns undefined if the configuration has no key for reading monitors */
export function openAlertsFrom(
  config: Pick<FunctionsConfig, 'DD_API_KEY' | 'DD_APP_KEY' | 'DD_API_URL' | 'DD_SITE' | 'ATO_LAB'>,
  now: () => number,
): OpenAlerts | undefined {
  const { DD_API_KEY: apiKey, DD_APP_KEY: appKey, DD_SITE, ATO_LAB } = config
  // The lab never asks a real account, whatever site the environment names.
  const url = config.DD_API_URL ?? (ATO_LAB || DD_SITE === undefined ? undefined : `https://api.${DD_SITE}`)
  if (apiKey === undefined || appKey === undefined || url === undefined) return undefined
  return createOpenAlerts({ url, apiKey, appKey, now })
}

/** The part of the monitor API of Datadog that the sweeper needs. After a 429 it asks nothing before the given time. */
export function createOpenAlerts(options: OpenAlertsOptions): OpenAlerts {
  const { now, pageSize = PAGE_SIZE } = options
  let notBefore = 0

  async function ask(page: number, signal: AbortSignal): Promise<unknown[]> {
    for (let attempt = 0; ; attempt++) {
      const waitMs = notBefore - now()
      if (waitMs > LONGEST_WAIT_MS)
        throw new AlertsUnavailable('Datadog limits our requests (429): the next sweep tries again')
      if (waitMs > 0) await delay(waitMs, undefined, { signal }).catch(() => raise('Datadog limits our requests (429)'))
      const answer = await request(options, { page, pageSize }, signal)
      if (Array.isArray(answer)) return answer
      notBefore = now() + answer.retryAfterMs
      if (attempt > 0) raise('Datadog limits our requests (429)')
    }
  }

  return {
    async *pages(signal) {
      const seen = new Set<string>()
      for (let page = 0; page < PAGES_MOST; page++) {
        const listed = await ask(page, signal)
        const fresh = listed.filter((monitor) => !seen.has(nameOf(monitor)))
        for (const monitor of fresh) seen.add(nameOf(monitor))
        yield fresh.flatMap((monitor) => Monitor.safeParse(monitor).data ?? []).flatMap(alertsOf)
        if (listed.length < pageSize || fresh.length === 0) return
      }
    },
  }
}

/** An identity of a list entry of any type. */
const nameOf = (monitor: unknown): string =>
  JSON.stringify(typeof monitor === 'object' && monitor !== null && 'id' in monitor ? { id: monitor.id } : monitor)

/** The groups of one monitor that are in alert. An unreadable group is skipped, so that it does not hide the others. */
function alertsOf({ id, tags, state }: Monitor): OpenAlert[] {
  return Object.entries(state?.groups ?? {}).flatMap(([scope, group]) => {
    const { status, last_triggered_ts: triggered } = Group.safeParse(group).data ?? {}
    if (!isShort(scope) || status !== 'Alert' || triggered === undefined || triggered === null) return []
    return [{ monitorId: String(id), tags, scope, triggeredAt: triggered * 1000 }]
  })
}

async function request(
  { url, apiKey, appKey, fetch: ask = fetch, timeoutMs = TIMEOUT_MS }: OpenAlertsOptions,
  { page, pageSize }: { page: number; pageSize: number },
  signal: AbortSignal,
): Promise<unknown[] | { retryAfterMs: number }> {
  const query = new URLSearchParams({
    group_states: 'alert',
    monitor_tags: MARK,
    with_downtimes: 'false',
    page: String(page),
    page_size: String(pageSize),
  })
  const deadline = AbortSignal.timeout(timeoutMs)
  const response = await ask(`${url}/api/v1/monitor?${query}`, {
    headers: { 'DD-API-KEY': apiKey.reveal(), 'DD-APPLICATION-KEY': appKey.reveal(), Accept: 'application/json' },
    // The keys are sent only to the configured host.
    redirect: 'error',
    signal: AbortSignal.any([signal, deadline]),
  }).catch(() => raise('Datadog’s monitor API does not answer'))
  if (response.status === 429) {
    await response.body?.cancel()
    return { retryAfterMs: resetOf(response.headers.get('x-ratelimit-reset')) }
  }
  if (!response.ok) {
    await response.body?.cancel()
    const refused = response.status === 401 || response.status === 403
    const why = refused ? ': DD_API_KEY and DD_APP_KEY must be of this account, with monitors_read' : ''
    return raise(`Datadog’s monitor API answered ${response.status}${why}`)
  }
  const body = await readJson(response).catch(() =>
    raise('The answer of Datadog’s monitor API was cut off or is not JSON'),
  )
  return Array.isArray(body) ? body : raise('The answer of Datadog’s monitor API is not a list of monitors')
}

/** The seconds until the limit is reset; one minute if the header is not a number. */
const resetOf = (seconds: string | null): number =>
  seconds !== null && /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1000 : 60_000

async function readJson({ body }: Response): Promise<unknown> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body ?? []) {
    bytes += chunk.length
    if (bytes > BYTES_MOST) throw new Error('the answer is too long')
    chunks.push(chunk)
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8'))
}

function raise(message: string): never {
  throw new AlertsUnavailable(message)
}
