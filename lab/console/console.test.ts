import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import http, { type IncomingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Datadog, startDatadog } from '../datadog/server.ts'

let root: string
let folder: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'console-'))
  folder = join(root, 'dist', 'console')
  await mkdir(join(folder, 'assets'), { recursive: true })
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>Console</title>')
  await writeFile(join(folder, 'secret.txt'), 'not served')
  await writeFile(join(folder, 'assets', 'main-ABCD1234.js'), 'export const one = 1\n'.repeat(100))
})
afterAll(() => rm(root, { recursive: true, force: true }))

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function start(from = root): Promise<Datadog> {
  const datadog = await startDatadog({
    ...{ port: 0, apiKey: 'lab-key', monitors: [], webhooks: [], variables: {} },
    console: {
      root: from,
      detections: join(from, 'detections'),
      version: '1.2.3',
      urls: { web: 'http://localhost:1', functions: 'http://localhost:2' },
    },
  })
  closers.push(datadog.close)
  return datadog
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** Sends headers that fetch does not allow. */
const get = (url: string, headers: Record<string, string> = {}, method = 'GET', body = ''): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk) => chunks.push(chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      )
    })
    request.on('error', reject)
    request.end(body)
  })

const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

describe('GET /', () => {
  test('is the page for a browser, with a policy that lets in only its own scripts and styles', async () => {
    const { url } = await start()
    const { status, headers, body } = await get(`${url}/`, BROWSER)
    expect([status, body.toString()]).toEqual([200, '<!doctype html><title>Console</title>'])
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-cache',
    })
    const policy = (headers['content-security-policy'] ?? '').toString()
    expect(policy.split('; ')).toEqual([
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      "img-src 'self' data:",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      'report-uri /lab/csp',
      'report-to csp',
    ])
  })

  test.each([{}, { accept: '*/*' }, { accept: 'text/plain' }])(
    'is text for %j',
    async (headers: { accept?: string }) => {
      const { url } = await start()
      const { headers: answered, body } = await get(`${url}/`, { ...headers })
      expect(answered['content-type']).toBe('text/plain; charset=utf-8')
      expect(body.toString()).toBe((await get(`${url}/lab/help`, BROWSER)).body.toString())
      expect(body.toString()).toContain('GET  /lab/help')
    },
  )

  test('is the text when the page is not built', async () => {
    const { url } = await start(join(root, 'nothing'))
    expect((await get(`${url}/`, BROWSER)).headers['content-type']).toBe('text/plain; charset=utf-8')
  })
})

describe('an asset', () => {
  test('is kept for good by a browser, and compressed as the browser can read it', async () => {
    const { url } = await start()
    const plain = await get(`${url}/assets/main-ABCD1234.js`)
    expect(plain.headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
    })
    const brotli = await get(`${url}/assets/main-ABCD1234.js`, { 'accept-encoding': 'gzip, deflate, br' })
    const gzip = await get(`${url}/assets/main-ABCD1234.js`, { 'accept-encoding': 'gzip, br;q=0' })
    expect([brotli.headers['content-encoding'], gzip.headers['content-encoding']]).toEqual(['br', 'gzip'])
    expect(brotliDecompressSync(brotli.body)).toEqual(plain.body)
    expect(gunzipSync(gzip.body)).toEqual(plain.body)
    expect(brotli.body.length).toBeLessThan(plain.body.length)
  })

  test.each([
    '/assets/main-00000000.js',
    '/assets/index.html',
    '/assets/../index.html',
    '/assets/..%2fsecret.txt',
    '/assets/..%2f..%2fx-ABCD1234.js',
    '/secret.txt',
    '/index.html',
  ])('%s is not found', async (path) => {
    const { url } = await start()
    expect((await get(url + path)).status).toBe(404)
  })
})

test('what the page asks first', async () => {
  const { url } = await start()
  const { body } = await get(`${url}/lab/console`)
  expect(JSON.parse(body.toString())).toEqual({
    urls: { web: 'http://localhost:1', functions: 'http://localhost:2' },
    mode: 'arrival',
    version: '1.2.3',
    can: [],
    exercise: null,
  })
})

test('reports of a refused content are kept, the newest first', async () => {
  const { url } = await start()
  const report = { 'csp-report': { 'violated-directive': 'script-src' } }
  const headers = { 'content-type': 'application/csp-report' }
  expect((await get(`${url}/lab/csp`, headers, 'POST', JSON.stringify(report))).status).toBe(204)
  expect((await get(`${url}/lab/csp`, { 'content-type': 'text/plain' }, 'POST', '{}')).status).toBe(415)
  expect((await get(`${url}/lab/csp`, headers, 'POST', '{')).status).toBe(400)
  expect(JSON.parse((await get(`${url}/lab/csp`)).body.toString())).toMatchObject({
    received: 1,
    reports: [{ report }],
  })
})

describe('a foreign page', () => {
  test.each([
    { host: 'evil.example' },
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
  ])('gets no data: %j', async (headers: Record<string, string>) => {
    const { url } = await start()
    for (const path of ['/', '/lab/console', '/assets/main-ABCD1234.js', '/lab/stream', '/lab/csp'])
      expect([path, (await get(url + path, headers)).status]).toEqual([path, 403])
  })

  test('may link to the console, and send no form to it', async () => {
    const { url } = await start()
    const followed = {
      ...BROWSER,
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    }
    expect((await get(`${url}/`, followed)).status).toBe(200)
    expect((await get(`${url}/lab/csp`, followed, 'POST', '{}')).status).toBe(403)
  })
})

test('a stream refuses events that it does not know, and takes those of the console by name', async () => {
  const { url } = await start()
  expect((await get(`${url}/lab/stream?events=alert,nonsense`)).status).toBe(400)
  const stopped = new AbortController()
  const response = await fetch(`${url}/lab/stream?events=logs,alert`, { signal: stopped.signal })
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  stopped.abort()
})
