import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadDetections } from '../../detections/harness.ts'
import { routerLine } from '../../lab/edge/router-line.ts'
import { frameLine } from '../../lab/logplex/frame.ts'
import { logOfEvent } from '../app-event.ts'
import type { IndexedLog } from '../log.ts'
import { readSubmission } from './intake.ts'
import { readPipeline } from './pipeline.ts'

const detections = join(import.meta.dirname, '../../detections')
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

describe('a pipeline file', () => {
  const read = (change: Record<string, unknown>) =>
    readPipeline(
      JSON.stringify({ name: 'P', is_enabled: true, filter: { query: '*' }, processors: [], ...change }),
      'p.json',
    )
  const remap = (change: Record<string, unknown> = {}) => ({
    ...{ type: 'attribute-remapper', is_enabled: true, sources: ['a'], source_type: 'attribute', target: 'b.c' },
    ...{ target_type: 'attribute', preserve_source: true, override_on_conflict: false },
    ...change,
  })
  const processed = (processors: unknown[], attributes: Record<string, unknown>) => {
    const log: IndexedLog = { id: '1', timestamp: 0, attributes }
    read({ processors }).process(log, receivedAt)
    return log
  }

  test.each([
    [
      { processors: [{ type: 'geo-ip-parser' }] },
      'p.json: processors[0]: the processor "geo-ip-parser" is not applied here',
    ],
    [
      {
        processors: [
          { type: 'pipeline', name: 'n', filter: { query: '*' }, processors: [{ type: 'lookup-processor' }] },
        ],
      },
      'p.json: processors[0].processors[0]: the processor "lookup-processor" is not applied here',
    ],
    [{ filter: { query: 'a:[1' } }, 'p.json: filter.query: '],
    [{ processors: [remap({ target_format: 'integer' })] }, 'p.json: processors[0]: Unrecognized key: "target_format"'],
    [{ processors: [remap({ source_type: 'tag' })] }, 'p.json: processors[0].source_type: '],
    [{ sources: 1 }, 'p.json: Unrecognized key: "sources"'],
  ])('what is not applied here is refused by name and place: %j', (change, reason) => {
    expect(() => read(change)).toThrow(reason)
  })

  test.each([
    ['r %{date("x"):d}', 'the matcher %{date("x")} of the rule r'],
    ['r %{data:d:keyvalue}', 'the filter keyvalue of the rule r'],
    ['r (%{data:d}', 'the rule r is no regular expression'],
    ['r a\nr b', 'two rules are named r'],
    ['', 'there is no rule'],
  ])('a grok rule that is not understood is refused: %j', (match_rules, reason) => {
    const grok = { type: 'grok-parser', source: 'message', grok: { match_rules } }
    expect(() => read({ processors: [grok] })).toThrow(reason)
  })

  test('every fault is told at once', () => {
    const fault = () => read({ filter: { query: 'a:[1' }, processors: [{ type: 'x' }, remap({ target: '' })] })
    expect(fault).toThrow(/filter\.query.*\n.*processors\[0\].*\n.*processors\[1\]\.target/)
  })

  test('neither a value that is there nor an object’s name on the way is overwritten, unless it says so', () => {
    expect(processed([remap()], { a: 1, b: { c: 2 } }).attributes).toEqual({ a: 1, b: { c: 2 } })
    expect(processed([remap()], { a: 1, b: 'text' }).attributes).toEqual({ a: 1, b: 'text' })
    const override = remap({ override_on_conflict: true })
    expect(processed([override], { a: 1, b: 'text' }).attributes).toEqual({ a: 1, b: { c: 1 } })
  })

  test('a source that is not preserved is gone; the first one that is there wins', () => {
    const moved = remap({ preserve_source: false, sources: ['x.y', 'a'] })
    expect(processed([moved], { a: 1, x: { y: 2 } }).attributes).toEqual({ a: 1, x: {}, b: { c: 2 } })
  })

  test('a processor or pipeline that is switched off does nothing', () => {
    expect(processed([remap({ is_enabled: false })], { a: 1 }).attributes).toEqual({ a: 1 })
    const log: IndexedLog = { id: '1', timestamp: 0, attributes: { a: 1 } }
    read({ is_enabled: false, processors: [remap()] }).process(log, receivedAt)
    expect(log.attributes).toEqual({ a: 1 })
  })

  test('a date more than a minute ahead, or none at all, leaves the log’s date', () => {
    const dated = { type: 'date-remapper', is_enabled: true, sources: ['at'] }
    expect(processed([dated], { at: receivedAt + 60_000 }).timestamp).toBe(receivedAt + 60_000)
    expect(processed([dated], { at: receivedAt + 60_001 }).timestamp).toBe(0)
    expect(processed([dated], { at: 'yesterday' }).timestamp).toBe(0)
  })

  test('JSON that a line brings cannot reach the prototype of anything', () => {
    const grok = { type: 'grok-parser', is_enabled: true, source: 'm', grok: { match_rules: 'r %{data::json}' } }
    const { attributes } = processed([grok], { m: '{"__proto__":{"polluted":1},"x":1}' })
    expect(Object.getPrototypeOf(attributes)).toBe(Object.prototype)
    expect(attributes).toMatchObject({ x: 1 })
  })
})
