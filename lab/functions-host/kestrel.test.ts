import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, spawnApp, type TestApp, type TestHost, writeApp } from './testing/host.ts'

const code = `
app.http('echo', { methods: ['GET', 'POST'], handler: async (request) => ({ jsonBody: { url: request.url, value: request.headers.get('x-value') } }) })
app.http('answer', { handler: async (request) => ({ headers: { 'x-answer': String.fromCharCode(request.query.get('code')) } }) })
`
const custom = JSON.stringify({ version: '2.0', extensions: { http: { customHeaders: { 'X-Custom': 'yes' } } } })

let app: TestApp
let host: TestHost
beforeAll(async () => {
  app = await writeApp(code, { 'host.json': custom })
  host = await spawnApp(app)
})
afterAll(async () => {
  await host.stop()
  await app.remove()
})

/** The bytes as they are; everything that comes back until the host closes the connection. */
function raw(bytes: Buffer | string): Promise<string> {
  return new Promise((done, fail) => {
    const socket = connect(host.port, '127.0.0.1', () => socket.write(bytes))
    let answer = ''
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      answer += chunk
    })
    socket.once('error', fail)
    socket.once('end', () => done(answer))
  })
}
const hostLine = () => `Host: 127.0.0.1:${host.port}\r\n`
/** A request that asks for the end of its connection, so that its answer is whole when `raw` has it. */
const request = (line: string, headers = '') => raw(`${line}\r\n${hostLine()}Connection: close\r\n${headers}\r\n`)
const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])
const jsonOf = (answer: string) => JSON.parse(/\{.*\}/s.exec(Buffer.from(answer, 'latin1').toString())?.[0] ?? '')

describe('the value of a request header', () => {
  const withValue = (value: string) =>
    raw(Buffer.from(`GET /api/echo HTTP/1.1\r\n${hostLine()}Connection: close\r\nX-Value: ${value}\r\n\r\n`))

  test('is read as UTF-8', async () => {
    const answer = await withValue('é')
    expect(answer).toMatch(/"value":"Ã©"/) // two bytes, each one character of Latin-1
  })

  test('beyond U+00FF fails in the library before the function, as under Azure: its Headers take Latin-1 only', async () => {
    expect(statusOf(await withValue('日本'))).toBe(500)
  })

  test('is refused when its bytes are not UTF-8', async () => {
    const head = `GET /api/echo HTTP/1.1\r\n${hostLine()}X-Value: `
    expect(statusOf(await raw(Buffer.from(`${head}\xe9\r\n\r\n`, 'latin1')))).toBe(400)
  })
})

describe('the limits of a request', () => {
  const line = (bytes: number) => {
    const [start, end] = ['GET /api/echo?', ' HTTP/1.1']
    return `${start}${'x'.repeat(bytes - start.length - end.length - 2)}${end}`
  }
  test.each([
    [8192, 200],
    [8193, 414],
    [100_000, 414],
  ])('a request line of %i bytes, its end included, is answered %i', async (bytes, status) => {
    expect(statusOf(await request(line(bytes)))).toBe(status)
  })

  test.each([
    [100, 200],
    [101, 431],
  ])('%i headers are answered %i', async (count, status) => {
    const more = Array.from({ length: count - 2 }, (_, index) => `X-${index}: 1\r\n`).join('')
    expect(statusOf(await request('GET /api/echo HTTP/1.1', more))).toBe(status)
  })

  test.each([
    [32_768, 200],
    [32_769, 431],
    [100_000, 431],
  ])('%i bytes of headers are answered %i', async (bytes, status) => {
    const others = `${hostLine()}Connection: close\r\n`.length + 'X-Big: \r\n'.length
    expect(statusOf(await request('GET /api/echo HTTP/1.1', `X-Big: ${'x'.repeat(bytes - others)}\r\n`))).toBe(status)
  })
})

describe('Kestrel refuses', () => {
  test.each([
    ['a request without Host', 'GET /api/echo HTTP/1.1\r\n\r\n', 400],
    ['a second Host', 'GET /api/echo HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: 127.0.0.1\r\n\r\n', 400],
    ['an absolute target of another host', 'GET http://a.example/api/echo HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', 400],
    ['a target that is not ASCII', 'GET /api/echo?\xe9 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', 400],
    ['a target that is no path', 'GET api/echo HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', 400],
    ['what is not HTTP', 'nonsense\r\n\r\n', 400],
    ['another version', 'GET /api/echo HTTP/3.7\r\nHost: 127.0.0.1\r\n\r\n', 505],
    ['a header without a name', 'GET /api/echo HTTP/1.1\r\nHost: 127.0.0.1\r\n: x\r\n\r\n', 400],
  ])('%s: an empty answer without custom headers, and the end of the connection', async (_, bytes, status) => {
    const answer = await raw(Buffer.from(bytes, 'latin1'))
    expect(statusOf(answer)).toBe(status)
    expect(answer).toMatch(/^Server: Kestrel\r$/m)
    expect(answer).toMatch(/^Content-Length: 0\r$/m)
    expect(answer).toMatch(/^Connection: close\r$/im)
    expect(answer).not.toMatch(/x-custom/i)
  })
})

test('an absolute target of this host is its path', async () => {
  const answer = await request(`GET http://127.0.0.1:${host.port}/api/echo HTTP/1.1`)
  expect(jsonOf(answer)).toMatchObject({ url: `http://127.0.0.1:${host.port}/api/echo` })
})

test.each([
  ['~', 200],
  ['é', 500],
])('a response whose header holds %s becomes %i', async (character, status) => {
  expect((await ask(host.url, `/api/answer?code=${character.charCodeAt(0)}`)).status).toBe(status)
})

describe('the home page', () => {
  test.each(['GET', 'POST', 'PUT', 'OPTIONS'])('answers %s', async (method) => {
    const { status, headers, text } = await ask(host.url, '/', { method })
    expect([status, headers['content-type'], headers['x-custom']]).toEqual([200, 'text/html', 'yes'])
    expect(text).toContain('Your Functions app is up and running')
    expect(headers['content-length']).toBe(String(text.length))
  })

  test('answers HEAD with its length and no body', async () => {
    const { status, headers, text } = await ask(host.url, '/', { method: 'HEAD' })
    expect([status, text]).toEqual([200, ''])
    expect(Number(headers['content-length'])).toBeGreaterThan(100)
  })
})
