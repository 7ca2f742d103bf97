import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { parseFunctionsConfig } from '../../shared/config.ts'
import { Secret } from '../../shared/secret.ts'
import { labEnv, productionEnv } from '../../test/env.ts'
import { portOf } from '../../test/port-of.ts'
import { AlertsUnavailable, createOpenAlerts, type OpenAlert, openAlertsFrom } from './alerts.ts'

const NOW = Date.parse('2026-03-01T12:00:00.000Z')
const TRIGGERED = NOW / 1000 - 60
const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

type Answer = (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => void
const json = (body: unknown, status = 200, headers: Record<string, string> = {}): Answer => {
  return (_, response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

/** Datadog's end of the network: the answers one after the other, the last for ever. */
async function datadog(...answers: Answer[]) {
  const asked: { query: URLSearchParams; headers: IncomingMessage['headers'] }[] = []
  const server = createServer((request, response) => {
    const query = new URL(request.url ?? '', 'http://datadog').searchParams
    const answer = answers[Math.min(asked.length, answers.length - 1)]
    asked.push({ query, headers: request.headers })
    answer?.(request, response, query)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return { asked, url: `http://127.0.0.1:${portOf(server)}` }
}

let now = NOW
const keys = { apiKey: new Secret('api-key-canary'), appKey: new Secret('app-key-canary') }
function asking(url: string, more: { pageSize?: number; timeoutMs?: number } = {}) {
  const alerts = createOpenAlerts({ url, ...keys, now: () => now, ...more })
  return async (signal = new AbortController().signal) => {
    const all: OpenAlert[] = []
    for await (const page of alerts.pages(signal)) all.push(...page)
    return all
  }
}
const group = (name: string, over: object = {}) => ({
  name,
  status: 'Alert',
  last_triggered_ts: TRIGGERED,
  last_notified_ts: TRIGGERED,
  last_nodata_ts: null,
  last_resolved_ts: null,
  ...over,
})
const monitor = (id: number, groups: Record<string, unknown>) => ({
  id,
  name: 'Session reuse',
  type: 'log alert',
  overall_state: 'Alert',
  tags: ['detection:session-reuse', 'contain:session'],
  state: { groups },
})

describe('open alerts', () => {
  it('are the groups in alert, with the tags of their monitor and the time at which they went into it', async () => {
    const groups = {
      '@sid:a': group('@sid:a'),
      '@sid:b': group('@sid:b', { status: 'OK', last_resolved_ts: TRIGGERED }),
      '@sid:c': group('@sid:c', { last_triggered_ts: null }),
      '@sid:d,@ip:203.0.113.9': group('@sid:d,@ip:203.0.113.9'),
    }
    const { url, asked } = await datadog(json([monitor(7, groups), { ...monitor(8, {}), state: {} }]))
    const common = { monitorId: '7', tags: ['detection:session-reuse', 'contain:session'], triggeredAt: NOW - 60_000 }
    expect(await asking(url)()).toEqual([
      { ...common, scope: '@sid:a' },
      { ...common, scope: '@sid:d,@ip:203.0.113.9' },
    ])
    expect(Object.fromEntries(asked[0]?.query ?? [])).toEqual({
      group_states: 'alert',
      monitor_tags: 'managed-by:mini-ato-saas',
      with_downtimes: 'false',
      page: '0',
      page_size: '100',
    })
    expect(asked[0]?.headers).toMatchObject({ 'dd-api-key': 'api-key-canary', 'dd-application-key': 'app-key-canary' })
  })

  it('are read page by page, and only once from a server without pages', async () => {
    const all = Array.from({ length: 5 }, (_, id) => monitor(id, { [`@sid:${id}`]: group(`@sid:${id}`) }))
    const paged = await datadog((request, response, query) => {
      const [page, size] = [Number(query.get('page')), Number(query.get('page_size'))]
      json(all.slice(page * size, (page + 1) * size))(request, response, query)
    })
    expect(await asking(paged.url, { pageSize: 2 })()).toHaveLength(5)
    expect(paged.asked).toHaveLength(3)
    const unpaged = await datadog(json(all))
    expect(await asking(unpaged.url, { pageSize: 2 })()).toHaveLength(5)
    expect(unpaged.asked).toHaveLength(2)
  })

  it('are found beside monitors and groups that cannot be read', async () => {
    const odd = [null, 7, { id: 'x' }, { id: 9, tags: 'detection:x' }]
    const groups = { '@sid:a': 'Alert', '@sid:b': { status: 1 }, '@sid:c': group('@sid:c') }
    const { url } = await datadog(json([...odd, monitor(7, groups)]))
    expect(await asking(url)()).toMatchObject([{ scope: '@sid:c' }])
  })

  it('are found in a monitor of which a tag or the name of another group is longer than any of ours', async () => {
    const groups = { [`@sid:${'x'.repeat(5_000)}`]: group('x'), '@sid:c': group('@sid:c') }
    const many = Array.from({ length: 300 }, (_, n) => `tag:${n}`)
    const tags = ['detection:session-reuse', 'x'.repeat(600), 7, 'contain:session']
    const { url } = await datadog(
      json([
        { ...monitor(7, groups), tags },
        { ...monitor(8, groups), tags: [...many, ...tags] },
        { ...monitor(9, {}), state: { groups: [] } },
      ]),
    )
    const found = { scope: '@sid:c', tags: ['detection:session-reuse', 'contain:session'] }
    expect(await asking(url)()).toMatchObject([found, { scope: '@sid:c', tags: [...many, ...found.tags] }])
  })

  it('are found behind a whole page that cannot be read', async () => {
    const pages = [[{ id: 'x' }, null], [{ id: 'y' }, 7], [monitor(7, { '@sid:c': group('@sid:c') })]]
    const { url } = await datadog(...pages.map((page) => json(page)))
    expect(await asking(url, { pageSize: 2 })()).toMatchObject([{ scope: '@sid:c' }])
  })

  it.each<[string, Answer]>([
    ['500', json({ errors: ['no'] }, 500)],
    ['refused keys', json({ errors: ['Forbidden'] }, 403)],
    ['HTML', (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>sign in</html>')],
    ['a redirect', (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
    ['an object', json({ monitors: [] })],
    [
      'half an answer',
      (_, response) => response.writeHead(200, { 'content-length': '100' }).end('[{"id":1') && response.destroy(),
    ],
    ['silence', () => undefined],
  ])('are unavailable when Datadog answers with %s, and no key is in the message', async (_, answer) => {
    const { url } = await datadog(answer)
    const failed = asking(url, { timeoutMs: 200 })()
    await expect(failed).rejects.toBeInstanceOf(AlertsUnavailable)
    await expect(failed).rejects.not.toThrow(/canary/)
  })

  it('are unavailable if no server listens, and if the sweep has no time left', async () => {
    await expect(asking('http://127.0.0.1:1')()).rejects.toBeInstanceOf(AlertsUnavailable)
    const { url } = await datadog(() => undefined)
    await expect(asking(url)(AbortSignal.timeout(50))).rejects.toBeInstanceOf(AlertsUnavailable)
  })

  it('are read again after a 429 at the given time, and not before', async () => {
    const soon = await datadog(
      json([], 429, { 'x-ratelimit-reset': '0' }),
      json([monitor(7, { '@sid:a': group('@sid:a') })]),
    )
    expect(await asking(soon.url)()).toHaveLength(1)
    const later = await datadog(json([], 429, { 'x-ratelimit-reset': '30' }), json([]))
    const ask = asking(later.url)
    await expect(ask()).rejects.toThrow('429')
    now = NOW + 20_000
    await expect(ask()).rejects.toThrow('429')
    expect(later.asked).toHaveLength(1)
    now = NOW + 31_000
    expect(await ask()).toEqual([])
    now = NOW
  })
})

describe('where open alerts are asked for', () => {
  const given = { DD_API_KEY: 'key', DD_APP_KEY: 'key' }
  it('is the site or the URL that the configuration names, and nowhere without both keys', () => {
    const from = (env: NodeJS.ProcessEnv) => openAlertsFrom(parseFunctionsConfig(env), () => NOW)
    expect(from({ ...productionEnv(), ...given, DD_SITE: 'datadoghq.eu' })).toBeDefined()
    expect(from({ ...productionEnv(), ...given, DD_API_URL: 'https://datadog.example.com' })).toBeDefined()
    expect(from({ ...productionEnv(), DD_API_KEY: 'key', DD_SITE: 'datadoghq.eu' })).toBeUndefined()
    expect(from(productionEnv())).toBeUndefined()
  })

  it('is never a real account in the lab', () => {
    const from = (env: NodeJS.ProcessEnv) =>
      openAlertsFrom(parseFunctionsConfig({ ...labEnv(), ...given, ...env }), () => NOW)
    expect(from({ DD_SITE: 'datadoghq.eu' })).toBeUndefined()
    expect(from({ DD_API_URL: 'http://127.0.0.1:8126' })).toBeDefined()
  })
})
