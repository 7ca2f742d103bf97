import http from 'node:http'
import net from 'node:net'
import { type Monitor, readImportable } from 'alertproof'
import { frameLine } from 'alertproof/intake'
import { type Alert, parseWebhook } from 'alertproof/notify'
import { afterEach, describe, expect, test } from 'vitest'
import { createDrain } from '../logplex/drain.ts'
import { createForwarder } from '../logplex/forwarder.ts'
import { Mailbox } from '../mailbox/mailbox.ts'
import type { AlertEvent } from './alerts.ts'
import { type Datadog, type DatadogOptions, startDatadog } from './server.ts'
import { type Answer, type Receiver, startReceiver } from './testing/receiver.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** More than two failures from one address within the window. */
function stuffing(window = '5m'): Monitor {
  const json = {
    name: 'Stuffing',
    type: 'log alert',
    query: `logs("service:mini-ato-saas env:prod @evt:login @outcome:fail").index("*").rollup("count").by("@ip").last("${window}") > 2`,
    message: '{{#is_alert}}@webhook-ato-contain{{/is_alert}} {{#is_recovery}}over{{/is_recovery}} @webhook-nobody',
    tags: ['contain:ip'],
    options: { thresholds: { critical: 2 }, new_group_delay: 0, on_missing_data: 'resolve' },
  }
  return readImportable(JSON.stringify(json), 'detections/stuffing/monitor.json')
}

const payload = '{"id":"$ID","transition":"$ALERT_TRANSITION","scope":"$ALERT_SCOPE","tags":"$TAGS","date":"$DATE"}'

interface Answered {
  alerts: Alert[]
  logs: unknown[]
  monitors: unknown[]
}

interface Lab {
  datadog: Datadog
  receiver: Receiver
  said: string[]
  get(path: string): Promise<{ status: number; body: Answered }>
  /** Resolves with the first such event from now on. */
  next(kind: AlertEvent['kind']): Promise<AlertEvent>
}

async function start(options: Partial<DatadogOptions> = {}, answers: Answer[] = []): Promise<Lab> {
  const receiver = await startReceiver(...answers)
  closers.push(() => receiver.close())
  const said: string[] = []
  const webhook = {
    name: 'ato-contain',
    url: '$RECEIVER/api/contain',
    payload,
    custom_headers: '{"X-Secret":"$SECRET"}',
  }
  const datadog = await startDatadog({
    port: 0,
    apiKey: 'lab-key',
    monitors: [stuffing()],
    webhooks: [parseWebhook(JSON.stringify(webhook), 'webhook.json')],
    variables: { RECEIVER: receiver.url, SECRET: 'lab-secret' },
    queue: { retrySpacingMs: [1, 1, 1, 1, 1], timeoutMs: 500 },
    log: (line) => said.push(line),
    ...options,
  })
  closers.push(() => datadog.close())
  return {
    datadog,
    receiver,
    said,
    async get(path) {
      const response = await fetch(datadog.url + path)
      return { status: response.status, body: (await response.json()) as Answered }
    },
    next: (kind) =>
      new Promise((resolve) => {
        const unsubscribe = datadog.subscribe((event) => {
          if (event.kind !== kind) return
          unsubscribe()
          resolve(event)
        })
      }),
  }
}

const failure = (ip: string, more: object = {}) =>
  JSON.stringify({ timestamp: new Date().toISOString(), evt: 'login', outcome: 'fail', ip, run_id: 'run-1', ...more })

const envelope = { ddsource: 'azure', service: 'mini-ato-saas', ddtags: 'env:prod' }

const submit = ({ datadog }: Lab, body: string | Buffer, headers: Record<string, string> = {}, query = '') =>
  fetch(datadog.intakeUrl + query, {
    method: 'POST',
    body,
    headers: { 'Content-Type': 'application/json', 'DD-API-KEY': 'lab-key', ...headers },
  })

const failures = (count: number, ip = '203.0.113.9', more: object = {}) =>
  JSON.stringify(Array.from({ length: count }, () => ({ message: failure(ip, more), ...envelope })))

describe('from log to webhook', () => {
  test('the log that crosses the threshold is followed by the webhook within a second', async () => {
    const lab = await start()
    await submit(lab, failures(2))
    const began = performance.now()
    await submit(lab, failures(1))
    const [request] = await lab.receiver.received(1)
    expect(performance.now() - began).toBeLessThan(1000)
    expect(request).toMatchObject({ method: 'POST', url: '/api/contain', headers: { 'x-secret': 'lab-secret' } })
    expect(JSON.parse(request?.body ?? '')).toMatchObject({
      transition: 'Triggered',
      scope: '@ip:203.0.113.9',
      tags: 'contain:ip,@ip:203.0.113.9',
    })
  })

  test('the alert is listed with group, value, sample and the webhook’s answer', async () => {
    const lab = await start({}, [503, 200])
    const delivered = lab.next('delivery')
    const since = Date.now()
    await submit(lab, failures(3))
    await delivered
    const { body } = await lab.get(`/lab/alerts?monitor=stuffing&since=${since}`)
    expect(body.alerts).toMatchObject([
      {
        monitor: 'stuffing',
        transition: 'Triggered',
        group: { '@ip': '203.0.113.9' },
        value: 3,
        sample: [{ attributes: { run_id: 'run-1' } }, {}, {}],
        deliveries: [{ webhook: 'ato-contain', state: 'delivered', status: 200, attempts: 2, answer: 'answer 200' }],
        unknown_webhooks: ['nobody'],
      },
    ])
    expect(body.alerts[0]?.at).toMatch(/^\d{4}-\d\d-\d\dT.*\.\d{3}Z$/)
    expect(body.alerts[0]?.notified_at).toBeGreaterThanOrEqual(since)
    expect((await lab.get(`/lab/alerts?since=${Date.now() + 1000}`)).body.alerts).toEqual([])
    expect((await lab.get('/lab/alerts?monitor=other')).body.alerts).toEqual([])
    expect(lab.said).toContain('stuffing notifies @webhook-nobody, which does not exist')
  })

  test('a drain and a forwarder reach the same monitor', async () => {
    const lab = await start()
    const drain = createDrain({
      url: `${lab.datadog.intakeUrl}?dd-api-key=lab-key&ddsource=heroku&ddtags=env:prod&service=mini-ato-saas`,
    })
    const forwarder = createForwarder({
      url: lab.datadog.intakeUrl,
      apiKey: 'lab-key',
      service: 'mini-ato-saas',
      ddtags: 'env:prod',
      hostname: 'functions',
    })
    closers.push(
      () => drain.close(),
      () => forwarder.close(),
    )
    drain.app(failure('203.0.113.9'))
    drain.router('at=info method=POST path="/login"')
    forwarder.write(failure('203.0.113.9'))
    forwarder.write(failure('203.0.113.9'))
    expect(await lab.receiver.received(1)).toHaveLength(1)
    const { body } = await lab.get(`/lab/logs?query=${encodeURIComponent('source:heroku @syslog.procid:router')}`)
    expect(body.logs).toMatchObject([{ message: 'at=info method=POST path="/login"', tags: ['env:prod'] }])
  })

  test('a group recovers without a further log when its window is empty', async () => {
    const lab = await start({ latenessSeconds: 600 })
    const events: AlertEvent[] = []
    const recovered = new Promise<void>((resolve) => {
      lab.datadog.subscribe((event) => {
        if (event.kind === 'alert') events.push(event)
        if (events.length === 2) resolve()
      })
    })
    // The window is five minutes: these leave it in less than a second.
    const almostOut = new Date(Date.now() - 5 * 60_000 + 800).toISOString()
    await submit(lab, failures(3, '203.0.113.9', { timestamp: almostOut }))
    await recovered
    expect(events.map(({ alert }) => alert.transition)).toEqual(['Triggered', 'Recovered'])
  })

  test('with a cadence an alert is raised at the next evaluation', async () => {
    const lab = await start({ cadenceSeconds: 1 })
    const next = lab.next('alert')
    await submit(lab, failures(3))
    const told = await next
    expect(told.alert).toMatchObject({ transition: 'Triggered', value: 3 })
    expect(Date.parse(told.alert.at) % 1000).toBe(0)
  })

  test('two addresses with two failures each do not alert, and a burst from a third one does', async () => {
    const lab = await start()
    await submit(lab, failures(2, '203.0.113.1'))
    await submit(lab, failures(2, '203.0.113.2'))
    await submit(lab, failures(50, '203.0.113.3'))
    await lab.receiver.received(1)
    expect((await lab.get('/lab/alerts')).body.alerts).toMatchObject([{ scope: '@ip:203.0.113.3' }])
    expect((await lab.get('/lab/monitors')).body.monitors).toMatchObject([
      { monitor: 'stuffing', state: 'Alert', groups: [{ group: { '@ip': '203.0.113.3' } }] },
    ])
  })

  test('hostile text in a group reaches the webhook unchanged and is harmless', async () => {
    const lab = await start()
    const hostile = 'a"b\\c\nd,$ID{{value}}@webhook-x'
    await submit(lab, failures(3, hostile))
    const [request] = await lab.receiver.received(1)
    expect(request?.body).toContain(`"scope":"@ip:${hostile}"`)
    await submit(lab, failures(3))
    expect(await lab.receiver.received(2)).toHaveLength(2)
  })
})

describe('the API for monitors', () => {
  const headers = { 'DD-API-KEY': 'lab-key', 'DD-APPLICATION-KEY': 'lab-app' }
  const list = async (lab: Lab, query = '', keys: Record<string, string> = headers) => {
    const response = await fetch(`${lab.datadog.url}/api/v1/monitor${query}`, { headers: keys })
    return { status: response.status, body: (await response.json()) as Record<string, unknown>[] }
  }

  test('requires both right keys', async () => {
    const lab = await start({ appKey: 'lab-app' })
    expect((await list(lab)).status).toBe(200)
    expect(await list(lab, '', {})).toEqual({ status: 401, body: { errors: ['Unauthorized'] } })
    for (const wrong of [{ 'DD-API-KEY': 'other' }, { 'DD-APPLICATION-KEY': 'other' }]) {
      expect(await list(lab, '', { ...headers, ...wrong })).toEqual({ status: 403, body: { errors: ['Forbidden'] } })
    }
    expect((await list(lab, '', { 'DD-API-KEY': 'lab-key' })).status).toBe(403)
    expect((await list(await start())).status).toBe(403)
  })

  test('lists a group in alert with the same trigger time as the webhook', async () => {
    const lab = await start({ appKey: 'lab-app' })
    await submit(lab, failures(3))
    const [request] = await lab.receiver.received(1)
    const triggered = Math.floor(Number(JSON.parse(request?.body ?? '').date) / 1000)
    const { body } = await list(lab, '?group_states=alert&monitor_tags=contain:ip')
    const name = '@ip:203.0.113.9'
    const group = { name, status: 'Alert', last_triggered_ts: triggered, last_notified_ts: triggered }
    expect(body).toMatchObject([
      { tags: ['contain:ip'], multi: true, overall_state: 'Alert', state: { groups: { [name]: group } } },
    ])
    expect((await list(lab, '?group_states=warn')).body).toMatchObject([{ state: { groups: {} } }])
    expect((await list(lab)).body[0]).not.toHaveProperty('state')
    expect((await list(lab, '?monitor_tags=contain:user')).body).toEqual([])
  })

  test('does not list recovered groups', async () => {
    const lab = await start({ appKey: 'lab-app', monitors: [stuffing('1m')] })
    const recovered = lab.next('alert').then(() => lab.next('alert'))
    await submit(lab, failures(3, '203.0.113.9', { timestamp: new Date(Date.now() - 59_000).toISOString() }))
    await recovered
    expect((await list(lab, '?group_states=all')).body).toMatchObject([{ overall_state: 'OK', state: { groups: {} } }])
  })

  test('lists pages in the order of ids and refuses unknown parameters', async () => {
    const monitors = ['a', 'b', 'c'].map((slug) => ({ ...stuffing(), slug, id: slug.charCodeAt(0) }))
    const lab = await start({ appKey: 'lab-app', monitors: monitors.reverse() })
    const ids = async (query: string) => (await list(lab, query)).body.map(({ id }) => id)
    expect(await ids('')).toEqual([97, 98, 99])
    expect(await ids('?page=0&page_size=2')).toEqual([97, 98])
    expect(await ids('?page=1&page_size=2')).toEqual([99])
    expect(await ids('?page=2&page_size=2')).toEqual([])
    expect(await ids('?id_offset=98')).toEqual([99])
    for (const query of ['?tags=x', '?group_states=red', '?page=-1', '?page_size=0']) {
      expect((await list(lab, query)).status, query).toBe(400)
    }
  })
})

describe('the intake', () => {
  test('answers 202 {} and makes logs searchable', async () => {
    const lab = await start({ tags: ['env:lab', 'account:lab'] })
    const response = await submit(lab, '{"message":"hello world","ddtags":"env:prod"}', {}, '?service=s&team=blue')
    expect(response.status).toBe(202)
    expect(await response.json()).toEqual({})
    const { body } = await lab.get('/lab/logs?query=hello')
    expect(body.logs).toMatchObject([
      { message: 'hello world', service: 's', tags: ['env:prod', 'account:lab'], attributes: { team: 'blue' } },
    ])
  })

  test('requires the right key, in the header or in the query', async () => {
    const lab = await start()
    const without = { 'DD-API-KEY': '' }
    expect((await submit(lab, '{}', without, '?dd-api-key=lab-key')).status).toBe(202)
    const missing = await submit(lab, '{}', without)
    expect(missing.status).toBe(401)
    expect(await missing.json()).toEqual({
      errors: [{ status: '401', title: 'Unauthorized', detail: expect.stringContaining('no API key') }],
    })
    expect((await submit(lab, '{}', { 'DD-API-KEY': 'other' })).status).toBe(403)
    expect((await lab.get('/lab/health')).body).toMatchObject({ logs: 1, refused_requests: 2 })
  })

  test('accepts 5 MB and refuses one byte more', async () => {
    const lab = await start()
    const sized = (bytes: number) => `{"message":"${'x'.repeat(bytes - 14)}"}`
    expect((await submit(lab, sized(5 * 1024 * 1024))).status).toBe(202)
    expect((await submit(lab, sized(5 * 1024 * 1024 + 1))).status).toBe(413)
  })

  test('names the frame that it cannot read', async () => {
    const lab = await start()
    const good = frameLine({ pri: 190, at: Date.now(), appname: 'app', procid: 'web.1', message: 'a' })
    const body = Buffer.concat([good, Buffer.from('7 nothing')])
    const response = await submit(lab, body, { 'Content-Type': 'application/logplex-1' })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      errors: [{ detail: `frame at byte ${good.length}: is not "<PRI>1 TIME HOST APPNAME PROCID MSGID MSG"` }],
    })
  })

  test.each([
    [false, 2],
    [true, 1],
  ])('with deduplication %s takes a repeated frame %i times', async (deduplicateFrames, times) => {
    const lab = await start({ deduplicateFrames })
    const frame = frameLine({ pri: 190, at: Date.now(), appname: 'app', procid: 'web.1', message: 'once' })
    const headers = { 'Content-Type': 'application/logplex-1', 'Logplex-Frame-Id': '09C557EAFCFB6CF2740EE62F62971098' }
    for (const _ of [1, 2]) expect((await submit(lab, frame, headers)).status).toBe(202)
    expect((await lab.get('/lab/logs?query=once')).body.logs).toHaveLength(times)
  })

  test('leaves out logs older than 18 hours and logs that', async () => {
    const lab = await start()
    await submit(lab, failures(3, '203.0.113.9', { timestamp: '2020-01-01T00:00:00Z' }))
    expect((await lab.get('/lab/health')).body).toMatchObject({ logs: 0, too_old: 3 })
    expect(lab.said).toEqual(['intake left out 3 logs dated more than 18 hours ago'])
  })

  test('one log dated next year does not hide the attack after it', async () => {
    const lab = await start()
    await submit(lab, failures(1, '203.0.113.8', { timestamp: '2090-01-01T00:00:00Z' }))
    await submit(lab, failures(3))
    expect(await lab.receiver.received(1)).toHaveLength(1)
  })
})

describe('the stand-in', () => {
  test('describes itself as a stand-in for Datadog', async () => {
    const lab = await start()
    const response = await fetch(lab.datadog.url)
    expect(response.headers.get('content-type')).toContain('text/plain')
    expect(await response.text()).toContain('It is not Datadog')
  })

  test('streams alerts and deliveries as they happen, and the missed ones after Last-Event-ID', async () => {
    const lab = await start()
    const read = await openStream(`${lab.datadog.url}/lab/stream`)
    await submit(lab, failures(3))
    expect(await read('event: delivery')).toMatch(/event: alert\nid: 1\ndata: \{.*"monitor":"stuffing"/)
    const late = await openStream(`${lab.datadog.url}/lab/stream?after=0`)
    expect(await late('event: alert')).toContain('"scope":"@ip:203.0.113.9"')
  })

  test.each([
    ['a foreign Host', { Host: 'evil.example' }],
    ['a Host that only begins like ours', { Host: 'localhost.evil.example' }],
    ['a foreign Origin', { Origin: 'http://evil.example' }],
    ['an opaque Origin', { Origin: 'null' }],
  ])('refuses %s', async (_, headers) => {
    const lab = await start()
    expect(await statusOf(lab.datadog.port, headers)).toBe(403)
  })

  test('shows the lab’s mail where there is a mailbox, to its own machine alone', async () => {
    const mailbox = new Mailbox()
    mailbox.add({ at: '2026-03-01T12:00:00.000Z', from: 'a@x.org', to: ['b@x.org'], subject: 'Hello', text: 'Text' })
    const { datadog } = await start({ mailbox })
    expect(await (await fetch(`${datadog.mailboxUrl}?to=b@x.org`)).text()).toContain('<h2>Hello</h2>')
    expect(await (await fetch(`${datadog.url}/mail.json`)).json()).toMatchObject({ mails: [{ subject: 'Hello' }] })
    for (const path of ['/mail', '/mail.json']) {
      expect(await statusOf(datadog.port, { Host: 'evil.example' }, path)).toBe(403)
    }
    const without = await start()
    expect((await fetch(without.datadog.mailboxUrl)).status).toBe(404)
  })

  test('answers a page of its own', async () => {
    const lab = await start()
    expect(await statusOf(lab.datadog.port, { Origin: `http://127.0.0.1:${lab.datadog.port}` })).toBe(200)
  })

  test.each([
    ['GET', '/lab/logs?query=%28', 400],
    ['GET', '/lab/logs?limit=0', 400],
    ['GET', '/lab/alerts?since=yesterday', 400],
    ['GET', '/nothing', 404],
    ['GET', '/constructor', 404],
    ['POST', '/v1/input', 404],
    ['DELETE', '/api/v2/logs', 404],
  ])('answers %s %s with %i', async (method, path, status) => {
    const lab = await start()
    expect((await fetch(lab.datadog.url + path, { method })).status).toBe(status)
  })

  test('moves to a free port when its own is taken', async () => {
    const first = await start()
    const second = await start({ port: first.datadog.port })
    expect(second.datadog.port).not.toBe(first.datadog.port)
    expect((await second.get('/lab/health')).status).toBe(200)
  })

  test('survives senders that disconnect or send invalid or partial requests', async () => {
    const lab = await start()
    expect(await raw(lab.datadog.port, 'nonsense\r\n\r\n')).toContain(' 400 ')
    const pathless = 'GET // HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
    expect(await raw(lab.datadog.port, pathless)).toContain(' 400 ')
    const half = net.connect(lab.datadog.port, '127.0.0.1')
    half.write('POST /api/v2/logs HTTP/1.1\r\nHost: localhost\r\nDD-API-KEY: lab-key\r\nContent-Length: 100\r\n\r\n{"a')
    await new Promise((sent) => half.once('connect', sent))
    half.destroy()
    await submit(lab, failures(3))
    expect(await lab.receiver.received(1)).toHaveLength(1)
  })

  test('does not start with an invalid message template, and frees its port', async () => {
    const { datadog } = await start()
    await datadog.close()
    const { port } = datadog
    const monitors = [{ ...stuffing(), message: '{{#is_alert}}' }]
    await expect(start({ port, monitors })).rejects.toThrow('detections/stuffing/monitor.json: message, position 0')
    expect((await start({ port })).datadog.port).toBe(port)
  })

  test('closes while a webhook hangs, a stream is open and a log is being sent', async () => {
    const lab = await start({ queue: {} }, ['hang'])
    await openStream(`${lab.datadog.url}/lab/stream`)
    await submit(lab, failures(3))
    await lab.receiver.received(1)
    const began = performance.now()
    await lab.datadog.close()
    expect(performance.now() - began).toBeLessThan(5000)
    await expect(fetch(lab.datadog.url)).rejects.toThrow()
  })
})

/** @returns reads on until the text holds `mark` and the line it begins is whole */
async function openStream(url: string): Promise<(mark: string) => Promise<string>> {
  const response = await fetch(url)
  const reader = response.body?.getReader()
  const decoder = new TextDecoder()
  let text = ''
  return async (mark) => {
    while (!text.includes(mark) || !text.endsWith('\n\n')) {
      const { value, done } = (await reader?.read()) ?? { done: true, value: undefined }
      if (done) break
      text += decoder.decode(value, { stream: true })
    }
    return text
  }
}

const statusOf = (port: number, headers: Record<string, string>, path = '/'): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    http
      .get({ port, host: '127.0.0.1', path, headers }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      .on('error', reject)
  })

const raw = (port: number, text: string): Promise<string> =>
  new Promise((resolve) => {
    let answer = ''
    const socket = net.connect(port, '127.0.0.1', () => socket.write(text))
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.on('close', () => resolve(answer))
    socket.on('error', () => {})
  })

describe('log forwarding', () => {
  const put = ({ datadog }: Lab, body: string, headers: Record<string, string> = {}) =>
    fetch(`${datadog.url}/lab/forwarding`, { method: 'PUT', body, headers }).then(({ status }) => status)

  test('is turned off and on by exactly these two bodies', async () => {
    const set: boolean[] = []
    const lab = await start({ setForwarding: (on) => set.push(on) })
    expect(await put(lab, '{"functions": false}')).toBe(200)
    expect(await put(lab, '{"functions":true}')).toBe(200)
    for (const body of ['', 'false', '{}', '{"functions":0}', '{"functions":false,"web":false}']) {
      expect(await put(lab, body), body).toBe(400)
    }
    expect(set).toEqual([false, true])
  })

  test('no foreign page can turn it off', async () => {
    const set: boolean[] = []
    const lab = await start({ setForwarding: (on) => set.push(on) })
    expect(await put(lab, '{"functions": false}', { Origin: 'https://evil.example' })).toBe(403)
    expect(set).toEqual([])
  })

  test('cannot be turned off without a forwarder', async () => {
    expect(await put(await start(), '{"functions": false}')).toBe(404)
  })
})
