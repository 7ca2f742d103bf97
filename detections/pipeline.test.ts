import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type IndexedLog, logOfEvent } from 'alertproof'
import { frameLine, readPipeline, readSubmission } from 'alertproof/intake'
import { describe, expect, test } from 'vitest'
import { routerLine } from '../lab/edge/router-line.ts'
import { loadDetections } from './harness.ts'

const detections = import.meta.dirname
const shipped = readPipeline(await readFile(join(detections, 'pipeline.json'), 'utf8'), 'pipeline.json')
const receivedAt = Date.UTC(2026, 10, 22, 12)

const event = {
  timestamp: '2026-11-22T11:58:00.500Z',
  level: 'warn',
  service: 'mini-ato-saas',
  env: 'prod',
  evt: 'login',
  outcome: 'fail',
  reason: 'wrong_password',
  email: 'zoë.not@example.test',
  usr: { id: 'f1b9', exists: true },
  ip: '203.0.113.9',
  network: '203.0.113.9',
  user_agent: 'Mozilla/5.0',
}

async function taken(body: Buffer | string, query: string, type = 'application/json'): Promise<IndexedLog> {
  const submission = {
    headers: { 'content-type': type },
    query: new URLSearchParams(query),
    body: Buffer.from(body),
    receivedAt,
  }
  const answer = await readSubmission(submission, [shipped])
  if (answer.kind !== 'accepted' || !answer.logs[0]) throw new Error(`not taken: ${JSON.stringify(answer)}`)
  return answer.logs[0]
}

const heroku = 'ddsource=heroku&ddtags=env:prod&service=mini-ato-saas&host=web'
const fromHeroku = (appname: string, procid: string, message: string) =>
  taken(frameLine({ pri: 190, at: receivedAt - 1000, appname, procid, message }), heroku, 'application/logplex-1')

/** As Datadog's own forwarder for Azure sends a line that an app wrote to its console. */
function fromAzure(line: string, about: Record<string, unknown> = {}) {
  const record = {
    time: '2026-11-22T11:59:30.0000000Z',
    resourceId: '/SUBSCRIPTIONS/0/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.WEB/SITES/ATO-FUNCTIONS',
    category: 'FunctionAppLogs',
    operationName: 'Microsoft.Web/sites/functions/log',
    level: 'Informational',
    properties: { appName: 'ato-functions', category: 'Host.Function.Console', message: line, levelId: 2 },
    ...about,
  }
  const entry = { message: JSON.stringify(record), ddsource: 'azure.web.sites', service: 'azure', ddtags: 'region:we' }
  return taken(JSON.stringify([entry]), '')
}

describe('the pipeline that is imported', () => {
  test('an event gets Datadog’s standard attributes and keeps its own', async () => {
    const log = await fromHeroku('app', 'web.1', JSON.stringify(event))
    const { syslog, ...attributes } = log.attributes
    expect(syslog).toBeDefined()
    expect(attributes).toEqual({
      ...event,
      host: 'web',
      http: { useragent: event.user_agent },
      usr: { ...event.usr, email: event.email },
    })
    expect(log).toMatchObject({ timestamp: Date.parse(event.timestamp), service: 'mini-ato-saas', status: 'warning' })
  })

  test('a line of the functions comes out of Azure’s record as if it had come alone', async () => {
    const log = await fromAzure(JSON.stringify(event))
    expect(log).toMatchObject({
      timestamp: Date.parse(event.timestamp),
      service: 'mini-ato-saas',
      status: 'warning',
      attributes: { ...event, usr: { ...event.usr, email: event.email } },
    })
    expect(log.tags).toEqual(['region:we', 'env:prod'])
  })

  test.each([
    ['another app’s line', '{"evt":"login","service":"shop"}', {}],
    ['a line that is no JSON', 'mini-ato-saas says hello', {}],
    ['another category', JSON.stringify(event), { category: 'AppServiceHTTPLogs' }],
  ])('%s stays a platform record', async (_, line, about) => {
    const log = await fromAzure(line, about)
    expect(log).toMatchObject({ service: 'azure', status: 'info' })
    expect(log.attributes.evt).toBeUndefined()
  })

  test('an environment that the sender names is not replaced by the event’s', async () => {
    const entry = {
      message: JSON.stringify({ category: 'FunctionAppLogs', properties: { message: JSON.stringify(event) } }),
    }
    const log = await taken(JSON.stringify(entry), 'ddsource=azure&ddtags=env:staging')
    expect(log.tags).toEqual(['env:staging'])
    expect(log.service).toBe('mini-ato-saas')
  })

  test('of a router line the last forwarded address is the client', async () => {
    const line = routerLine({
      method: 'POST',
      url: '/login?next=%2F',
      host: 'app.example',
      requestId: 'r-1',
      forwardedFor: '6.6.6.6" dyno=web.9 , 2001:db8::1, 203.0.113.9',
      connectMs: 1,
      serviceMs: 5.4,
      status: 401,
      bytes: 12,
    })
    const log = await fromHeroku('heroku', 'router', line)
    expect(log.attributes).toMatchObject({
      network: { client: { ip: '203.0.113.9' }, bytes_written: 12 },
      http: { method: 'POST', url: '/login?next=%2F', url_details: { host: 'app.example' }, status_code: 401 },
      heroku: { router: { at: 'info', dyno: 'web.1', connect_ms: 1 } },
      duration: 5_000_000,
    })
    // A status of HTTP is no level of a log.
    expect(log.status).toBe('info')
  })

  test('a router line about a crash has no dyno and no times', async () => {
    const line = routerLine({
      ...{ method: 'GET', url: '/', host: 'h', requestId: 'r', forwardedFor: '2001:db8::9', status: 503, bytes: 0 },
      fault: 'H10',
    })
    const { heroku, duration, network } = (await fromHeroku('heroku', 'router', line)).attributes
    expect({ heroku, duration, network }).toEqual({
      heroku: { router: { at: 'error', code: 'H10', desc: 'App crashed' } },
      duration: undefined,
      network: { client: { ip: '2001:db8::9' }, bytes_written: 0 },
    })
  })

  test('what only looks like a router line, because an app wrote it, is left as it came', async () => {
    const log = await fromHeroku('app', 'web.1', 'at=info method=GET path="/" host=h')
    expect(log.attributes.http).toBeUndefined()
  })

  test('a router line of the platform’s longest length does not hold up the intake', async () => {
    const hostile = `at=info method=GET path="/${'" host=h request_id=r fwd="'.repeat(370)}`
    expect((await fromHeroku('heroku', 'router', hostile)).attributes.http).toBeUndefined()
  })

  test('it changes nothing that a monitor can read', async () => {
    const untouched = ({ id: _, attributes: { network, http, ...own }, ...log }: IndexedLog) => ({ ...log, own })
    for (const { cases } of await loadDetections(detections)) {
      for (const each of cases.flatMap(({ events }) => events)) {
        const before = logOfEvent(structuredClone({ ...each }))
        const after = logOfEvent(structuredClone({ ...each }))
        shipped.process(after, Number.POSITIVE_INFINITY)
        const { usr } = after.attributes as { usr?: Record<string, unknown> }
        if (usr && !Object.hasOwn((before.attributes.usr ?? {}) as object, 'email')) delete usr.email
        if (usr && !before.attributes.usr) delete after.attributes.usr
        expect(untouched(after)).toEqual(untouched(before))
      }
    }
  })
})
