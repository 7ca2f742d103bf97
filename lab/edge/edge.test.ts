import { createServer, type IncomingMessage, request as openRequest, type Server, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { portOf } from '../processes/ports.ts'
import { deferred } from '../start/deferred.ts'
import { type Edge, startEdge } from './edge.ts'
import { azure, heroku } from './flavour.ts'
import type { EdgeOptions } from './options.ts'
import type { RecordedCall } from './recording.ts'

interface Seen {
  method: string
  url: string
  headers: IncomingMessage['headers']
  rawHeaders: string[]
  body: string
}

const opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const item of opened.splice(0).reverse()) await item.close()
})

/** An app that reads the whole request and then gives the test's answer. */
async function behind(
  options: Partial<EdgeOptions> = {},
  answer: (request: IncomingMessage, response: ServerResponse, body: string) => void = (_, response) =>
    response.end('ok'),
): Promise<{ edge: Edge; seen: Seen[]; lines: string[]; app: Server }> {
  const seen: Seen[] = []
  const lines: string[] = []
  const app = createServer(async (request, response) => {
    const body = await text(request)
    const { method = '', url = '', headers, rawHeaders } = request
    seen.push({ method, url, headers, rawHeaders, body })
    answer(request, response, body)
  })
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve))
  const port = portOf(app)
  const edge = await startEdge({
    flavour: heroku,
    target: () => port,
    onRouterLine: (line) => lines.push(line),
    ...options,
  })
  opened.push({ close: () => app.closeAllConnections() }, { close: () => app.close() }, edge)
  return { edge, seen, lines, app }
}

interface Answer {
  status: number
  headers: IncomingMessage['headers']
  body: string
}

/** Node's client, because fetch sets Host, Connection and framing itself. */
function send(
  edge: Edge,
  options: { method?: string; path?: string; headers?: Record<string, string | string[]>; body?: string } = {},
): Promise<Answer> {
  const { method = 'GET', path = '/', headers = {}, body } = options
  return new Promise((resolve, reject) => {
    const request = openRequest({ host: '127.0.0.1', port: edge.port, method, path, headers, agent: false })
    request.once('error', reject)
    request.once('response', (response) => {
      const { statusCode: status = 0, headers: answered } = response
      text(response).then((content) => resolve({ status, headers: answered, body: content }), reject)
    })
    request.end(body)
  })
}

/** Sends raw bytes and returns all bytes until the other side closes. */
function raw(edge: Edge, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(edge.port, '127.0.0.1', () => socket.write(bytes, 'latin1'))
    let answer = ''
    socket.setEncoding('latin1')
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.on('end', () => resolve(answer))
    socket.on('error', reject)
  })
}

test("Heroku's router puts the true address last, after whatever the client claims", async () => {
  const { edge, seen } = await behind()
  await send(edge, { headers: { 'X-Forwarded-For': '198.51.100.66', 'X-Forwarded-Proto': 'https', Via: '1.0 me' } })
  expect(seen[0]?.headers).toMatchObject({
    'x-forwarded-for': '198.51.100.66, 127.0.0.1',
    'x-forwarded-proto': 'http',
    'x-forwarded-port': String(edge.port),
    via: '1.0 me, 1.1 heroku-router',
    'x-request-start': expect.stringMatching(/^\d{13}$/),
  })
})

test("Azure's front end adds the port to the address and overwrites client-ip", async () => {
  const { edge, seen } = await behind({ flavour: azure })
  await send(edge, {
    headers: { 'X-Lab-Client-Ip': '203.0.113.9', 'Client-Ip': '10.0.0.1', 'X-Forwarded-For': '1.2.3.4' },
  })
  expect(seen[0]?.headers['x-forwarded-for']).toMatch(/^1\.2\.3\.4, 203\.0\.113\.9:\d+$/)
  expect(seen[0]?.headers['client-ip']).toMatch(/^203\.0\.113\.9:\d+$/)
})

test('an IPv6 client is written in brackets and in its shortest form on Azure', async () => {
  const { edge, seen } = await behind({ flavour: azure })
  await send(edge, { headers: { 'X-Lab-Client-Ip': '2001:DB8:0:0::0001' } })
  expect(seen[0]?.headers['x-forwarded-for']).toMatch(/^\[2001:db8::1\]:\d+$/)
})

test('a simulated client has its chosen address, and the app does not see the header', async () => {
  const { edge, seen } = await behind()
  await send(edge, { headers: { 'X-Lab-Client-Ip': '203.0.113.9' } })
  expect(seen[0]?.headers['x-forwarded-for']).toBe('203.0.113.9')
  expect(seen[0]?.headers).not.toHaveProperty('x-lab-client-ip')
})

test.each([
  ['an address that somebody has', '8.8.8.8'],
  ['a private address', '10.0.0.1'],
  ['an address one past a documentation range', '203.0.114.0'],
  ['an IPv6 address past its range', '2001:db9::1'],
  ['a documentation address in IPv6 dress', '::ffff:203.0.113.9'],
  ['a zone', '2001:db8::1%lo'],
  ['a list', '203.0.113.9, 203.0.113.10'],
  ['a port', '203.0.113.9:80'],
  ['nothing', ''],
])('a simulated client may not choose %s', async (_, chosen) => {
  const { edge, seen } = await behind()
  const answer = await send(edge, { headers: { 'X-Lab-Client-Ip': chosen } })
  expect(answer).toMatchObject({ status: 400, body: expect.stringContaining('X-Lab-Client-Ip') })
  expect(seen).toEqual([])
})

test.each([
  ['another site', 'evil.example'],
  ['another site with the right port', 'evil.example:PORT'],
  ['the right name with another port', 'localhost:1'],
  ['the right name without a port', 'localhost'],
  ['a name that merely begins like ours', 'localhost.evil.example:PORT'],
])('a Host that names %s is refused', async (_, host) => {
  const { edge, seen } = await behind()
  const answer = await send(edge, { headers: { Host: host.replace('PORT', String(edge.port)) } })
  expect(answer).toMatchObject({ status: 403, body: expect.stringContaining('Host') })
  expect(seen).toEqual([])
})

test.each(['localhost', 'LOCALHOST', '127.0.0.1', '[::1]'])('the lab answers to %s', async (name) => {
  const { edge, seen } = await behind()
  const host = `${name}:${edge.port}`
  expect(await send(edge, { headers: { Host: host } })).toMatchObject({ status: 200 })
  expect(seen[0]?.headers.host).toBe(host)
})

test('the absolute form of a request target is refused, because it would bypass the check of Host', async () => {
  const { edge, seen } = await behind()
  expect(await send(edge, { path: 'http://evil.example/' })).toMatchObject({ status: 400 })
  expect(seen).toEqual([])
})

test.each([
  'https://evil.example',
  'null',
  'http://localhost.evil.example',
  'http://localhost:80@evil.example',
  'file://',
])('a page of the origin %s cannot call the lab', async (origin) => {
  const { edge, seen } = await behind()
  expect(await send(edge, { method: 'POST', headers: { Origin: origin } })).toMatchObject({ status: 403 })
  expect(seen).toEqual([])
})

test.each(['http://localhost:8000', 'http://127.0.0.1:1', 'http://[::1]:8000', 'https://named.example'])(
  'a page of the origin %s can call the lab',
  async (origin) => {
    const { edge, seen } = await behind({ origins: ['https://named.example'] })
    expect(await send(edge, { method: 'POST', headers: { Origin: origin } })).toMatchObject({ status: 200 })
    expect(seen[0]?.headers.origin).toBe(origin)
  },
)

test('a body with a length arrives with that length, a chunked one chunked, and a missing one without a body', async () => {
  const { edge, seen } = await behind()
  await send(edge, { method: 'POST', headers: { 'Content-Length': '5' }, body: 'hello' })
  await send(edge, { method: 'POST', headers: { 'Transfer-Encoding': 'chunked' }, body: 'hello' })
  await raw(edge, `POST / HTTP/1.1\r\nHost: localhost:${edge.port}\r\nConnection: close\r\n\r\n`)
  await send(edge)
  const framing = seen.map(({ headers, body }) => [headers['content-length'], headers['transfer-encoding'], body])
  expect(framing).toEqual([
    ['5', undefined, 'hello'],
    [undefined, 'chunked', 'hello'],
    ['0', undefined, ''],
    [undefined, undefined, ''],
  ])
})

test('a request with two framings, which allows request smuggling, is refused', async () => {
  const { edge, seen } = await behind()
  const answer = await raw(
    edge,
    `POST / HTTP/1.1\r\nHost: localhost:${edge.port}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  )
  expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  expect(seen).toEqual([])
})

test('headers keep their spelling and repetitions, except those that concern one connection', async () => {
  const { edge, seen } = await behind({}, (_, response) => {
    response.writeHead(201, 'Made', [
      'Set-Cookie',
      'a=1',
      'Set-Cookie',
      'b=2',
      'X-Odd',
      'Yes',
      'Keep-Alive',
      'timeout=1',
    ])
    response.end('done')
  })
  const answer = await send(edge, {
    headers: {
      'X-ATO-Signature': 't=1,v1=ab',
      Connection: 'X-Private, Content-Length',
      'X-Private': '1',
      TE: 'trailers',
    },
    method: 'POST',
    body: 'b',
  })
  expect(seen[0]?.rawHeaders).toContain('X-ATO-Signature')
  expect(seen[0]?.body).toBe('b')
  for (const gone of ['x-private', 'te', 'upgrade']) expect(seen[0]?.headers).not.toHaveProperty(gone)
  expect(answer).toMatchObject({ status: 201, headers: { 'set-cookie': ['a=1', 'b=2'], 'x-odd': 'Yes' }, body: 'done' })
  expect(answer.headers['keep-alive']).not.toBe('timeout=1')
})

test('headers larger than the app takes are refused by the app, and the router writes its line', async () => {
  const { edge, lines } = await behind()
  expect(await send(edge, { headers: { 'X-Big': 'x'.repeat(20_000) } })).toMatchObject({ status: 431 })
  await expect.poll(() => lines[0]).toMatch(/^at=info .* status=431 /)
})

test('an answer streams: its first part arrives before its last is written', async () => {
  let finish = () => {}
  const { edge } = await behind({}, (_, response) => {
    response.write('first')
    finish = () => response.end('last')
  })
  const response = await fetch(edge.origin)
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  expect(await reader?.read()).toEqual({ done: false, value: 'first' })
  finish()
  expect(await reader?.read()).toEqual({ done: false, value: 'last' })
})

test('a request streams: the app reads its first part before the client has sent its last', async () => {
  const first = deferred<string>()
  const app = createServer((request, response) => {
    request.once('data', (chunk: Buffer) => first.resolve(chunk.toString()))
    request.on('end', () => response.end('done'))
  })
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve))
  const edge = await startEdge({ flavour: heroku, target: () => portOf(app) })
  opened.push({ close: () => app.close() }, edge)
  const request = openRequest({ host: '127.0.0.1', port: edge.port, method: 'POST', agent: false })
  const answered = new Promise<number | undefined>((resolve) =>
    request.once('response', (r) => resolve(r.resume().statusCode)),
  )
  request.write('first')
  expect(await first.promise).toBe('first')
  request.end('last')
  expect(await answered).toBe(200)
})

test('the answer of an app that refuses a large body unread arrives', async () => {
  const app = createServer((_, response) => response.writeHead(413).end('too large'))
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve))
  const edge = await startEdge({ flavour: heroku, target: () => portOf(app) })
  opened.push({ close: () => app.close() }, edge)
  const answer = await send(edge, { method: 'POST', body: 'x'.repeat(4_000_000) })
  expect(answer).toMatchObject({ status: 413, body: 'too large' })
})

test('HEAD, 204 and 304 pass without a body and without hanging', async () => {
  const { edge } = await behind({}, (request, response) => {
    response.writeHead(Number(request.url?.slice(1)), { 'Content-Length': '7' })
    response.end(request.method === 'HEAD' ? undefined : 'seven..')
  })
  expect(await send(edge, { method: 'HEAD', path: '/200' })).toMatchObject({
    status: 200,
    headers: { 'content-length': '7' },
  })
  expect(await send(edge, { path: '/304' })).toMatchObject({ status: 304, body: '' })
  expect(await send(edge, { path: '/204' })).toMatchObject({ status: 204, body: '' })
})

test("each request gives one router line in Heroku's form", async () => {
  const { edge, lines } = await behind({}, (_, response) => response.writeHead(401).end('twelve bytes'))
  const id = 'a1b2c3d4-0000-4000-8000-000000000000'
  await send(edge, {
    method: 'POST',
    path: '/login?x=1',
    headers: { 'X-Lab-Client-Ip': '203.0.113.9', 'X-Request-Id': id },
  })
  await expect.poll(() => lines).toHaveLength(1)
  expect(lines[0]).toMatch(
    new RegExp(
      `^at=info method=POST path="/login\\?x=1" host=127\\.0\\.0\\.1:${edge.port} request_id=${id} fwd="203\\.0\\.113\\.9" ` +
        'dyno=web\\.1 connect=\\d+ms service=\\d+ms status=401 bytes=12 protocol=http$',
    ),
  )
})

test('a client cannot forge fields of the router line', async () => {
  const { edge, lines } = await behind()
  const answer = await raw(
    edge,
    `GET /"status=200 HTTP/1.1\r\nHost: localhost:${edge.port}\r\nConnection: close\r\nX-Forwarded-For: 1" status=200 x="\xe9\r\n\r\n`,
  )
  expect(answer).toMatch(/^HTTP\/1\.1 (200|400)/)
  await send(edge, { headers: { 'X-Forwarded-For': '1" status=500 x="', 'X-Request-Id': 'short" status=500' } })
  await expect.poll(() => lines.at(-1)).toContain('fwd="1%22 status=500 x=%22, 127.0.0.1" dyno=web.1')
  expect(lines.at(-1)).toMatch(/ request_id=[0-9a-f-]{36} /)
})

test('while the app is down the platform answers 503 and logs H10; afterwards the app answers', async () => {
  const { edge, lines, app } = await behind()
  const port = portOf(app)
  app.close()
  expect(await send(edge)).toMatchObject({ status: 503, body: expect.stringContaining('Application error') })
  await expect
    .poll(() => lines[0])
    .toMatch(/^at=error code=H10 desc="App crashed" .* dyno= connect= service= status=503 bytes=0 /)
  const again = createServer((_, response) => response.end('back'))
  await new Promise<void>((resolve) => again.listen(port, '127.0.0.1', resolve))
  opened.push({ close: () => again.close() })
  expect(await send(edge)).toMatchObject({ status: 200, body: 'back' })
})

test('an app that is silent for too long is an H12', async () => {
  const { edge, lines } = await behind({ timeoutMs: 50 }, () => {})
  expect(await send(edge)).toMatchObject({ status: 503 })
  await expect.poll(() => lines[0]).toMatch(/^at=error code=H12 desc="Request timeout" .* status=503 bytes=0 /)
})

test('an app that hangs up without an answer is an H13', async () => {
  const { edge, lines } = await behind({}, (request) => request.socket.destroy())
  expect(await send(edge)).toMatchObject({ status: 503 })
  await expect.poll(() => lines[0]).toMatch(/^at=error code=H13 /)
})

test('an answer that breaks off is broken off for the client too: an H18', async () => {
  const { edge, lines } = await behind({}, (_, response) => {
    response.writeHead(200, { 'Content-Length': '100' })
    response.write('half')
    response.socket?.end()
  })
  await expect(send(edge)).rejects.toThrow()
  await expect.poll(() => lines[0]).toMatch(/^at=error code=H18 .* bytes=4 /)
})

test('a client that closes the connection is an H27, and the app is notified', async () => {
  const arrived = deferred<IncomingMessage>()
  const { edge, lines } = await behind({}, (request) => arrived.resolve(request))
  const request = openRequest({ host: '127.0.0.1', port: edge.port, agent: false })
  request.once('error', () => {})
  request.end()
  const atTheApp = await arrived.promise
  const left = new Promise((resolve) => atTheApp.socket.once('close', resolve))
  request.destroy()
  await left
  await expect.poll(() => lines[0]).toMatch(/^at=error code=H27 desc="Client Request Interrupted" .* status=499 /)
})

test('a free port replaces a taken one', async () => {
  const { edge } = await behind()
  const other = await startEdge({ flavour: azure, port: edge.port, target: () => 1 })
  opened.push(other)
  expect(other.port).not.toBe(edge.port)
  expect(other.origin).toBe(`http://localhost:${other.port}`)
})

test('the calls of one path are recorded with their answers, and no others', async () => {
  const calls = deferred<RecordedCall>()
  const all: RecordedCall[] = []
  const done = (call: RecordedCall) => {
    all.push(call)
    calls.resolve(call)
  }
  const { edge } = await behind({ record: { path: '/contain/revoke', done } }, (_, response) => {
    response.writeHead(200).end('{"result":"success"}')
  })
  await send(edge, { method: 'GET', path: '/contain/revoke' })
  await send(edge, { method: 'POST', path: '/contain', body: 'other' })
  await send(edge, { method: 'POST', path: '/contain/revoke', headers: { 'X-Mark': 'one' }, body: '{"sid":"a"}' })
  const call = await calls.promise
  expect(all).toHaveLength(1)
  expect(call).toMatchObject({ status: 200, body: '{"sid":"a"}', answer: '{"result":"success"}' })
  expect(call.request.split('\n')[0]).toBe('POST /contain/revoke HTTP/1.1')
  expect(call.request).toContain('\nX-Mark: one\n')
  expect(call.request.endsWith('\n\n{"sid":"a"}')).toBe(true)
})
