import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What an account holds. */
export interface FakeAccount {
  readonly monitor: Readonly<Record<string, unknown>>
  /** Records of the logs search. */
  readonly logs: readonly object[]
  /** Records of the events search. */
  readonly events: readonly object[]
  /** Of Cloud SIEM. */
  readonly rule?: Readonly<Record<string, unknown>>
  /** Records of the signals search. */
  readonly signals?: readonly object[]
  /** The number of answers 429 before the first other one. */
  readonly limited?: number
}

export const FAKE_KEYS = { api: 'fake-api-key', app: 'fake-app-key' }

/** Serves the reads of Datadog's API that `compare` makes, two records a page. */
export async function serveReads(account: FakeAccount) {
  const asked: { readonly path: string; readonly body: Body | undefined }[] = []
  let limited = account.limited ?? 0
  const server = createServer(async (request, response) => {
    const answer = (status: number, value: unknown, headers = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
    }
    const text = await textOf(request)
    const body = text === '' ? undefined : (JSON.parse(text) as Body)
    const path = request.url ?? ''
    asked.push({ path, body })
    const { 'dd-api-key': api, 'dd-application-key': app } = request.headers
    if (api !== FAKE_KEYS.api || app !== FAKE_KEYS.app) return answer(403, { errors: ['Forbidden'] })
    if (limited-- > 0) return answer(429, { errors: ['Too many requests'] }, { 'x-ratelimit-reset': '0' })
    if (path === `/api/v1/monitor/${account.monitor.id}`) return answer(200, account.monitor)
    if (path === '/api/v2/logs/events/search') return answer(200, pageOf(account.logs, body))
    if (path === '/api/v2/events/search') return answer(200, pageOf(account.events, body))
    const { rule, signals = [] } = account
    if (rule && path === `/api/v2/security_monitoring/rules/${rule.id}`) return answer(200, rule)
    if (path === '/api/v2/security_monitoring/signals/search') return answer(200, pageOf(signals, body))
    return answer(404, { errors: ['not found'] })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () => new Promise((resolve) => server.close(resolve)),
  }
}

interface Body {
  readonly filter: { readonly query: string; readonly from: string; readonly to: string }
  readonly page: { readonly limit: number; readonly cursor?: string }
}

const PAGE_SIZE = 2

function pageOf(records: readonly object[], body: Body | undefined) {
  const start = Number(body?.page.cursor ?? 0)
  const end = start + PAGE_SIZE
  return { data: records.slice(start, end), meta: end < records.length ? { page: { after: String(end) } } : {} }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
