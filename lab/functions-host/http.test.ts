import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, spawnApp, type TestApp, type TestHost, until, writeApp } from './testing/host.ts'

const echo = `
const echo = async (request, context) => ({
  jsonBody: {
    by: context.functionName, id: context.invocationId, trace: context.traceContext,
    method: request.method, url: request.url, params: request.params,
    query: [...request.query], headers: Object.fromEntries(request.headers), body: await request.text(),
  },
})
const methods = ['GET', 'POST', 'PUT', 'HEAD']
`
const code = `${echo}
app.http('echo', { methods, handler: echo })
app.http('session', { route: 'sessions/{sid}/end', handler: echo })
app.http('bothGet', { methods: ['GET'], route: 'both', handler: echo })
app.http('bothPost', { methods: ['post'], route: '/BOTH/', handler: echo })
app.http('bParameter', { methods: ['GET'], route: 'order/{any}', handler: echo })
app.http('ALiteral', { methods: ['GET'], route: 'order/a', handler: echo })
app.http('cLiteral', { methods: ['GET'], route: 'order/c', handler: echo })
app.http('twiceFirst', { methods: ['GET', 'POST'], route: 'twice', handler: echo })
app.http('twiceSecond', { methods: ['POST', 'PUT'], route: 'Twice', handler: echo })
app.http('optional', { methods, route: 'optional/{x?}', handler: echo })
app.http('off', { handler: echo })
app.http('keyed', { authLevel: 'function', handler: echo })
app.http('1digit', { handler: echo })
app.http('options', { methods: ['OPTIONS'], handler: async () => ({ status: 200 }) })
app.storageQueue('queued', { queueName: 'q', connection: 'c', handler: async () => {} })

app.http('nothing', { handler: async () => {} })
app.http('throws', { handler: async () => { throw new Error('secret detail') } })
app.http('number', { handler: async () => 7 })
app.http('badStatus', { handler: async () => ({ status: 99 }) })
app.http('text', { handler: async () => ({ body: 'héllo' }) })
app.http('bytes', { handler: async () => ({ body: new Uint8Array([0, 255, 1]), headers: { 'content-type': 'x/y' } }) })
app.http('status', { route: 'status/{n}', handler: async (request) => ({ status: Number(request.params.n), body: 'body' }) })
app.http('headers', { methods: ['GET', 'HEAD'], handler: async () => ({
  body: 'x', headers: { 'Cache-Control': 'max-age=1', 'set-cookie': 'h=1' }, cookies: [{ name: 'c', value: '2' }] }) })
app.http('lost', { handler: async () => ({ headers: new Headers([['set-cookie', 'h=1'], ['set-cookie', 'h=2']]) }) })
app.http('cookies', { handler: async () => ({ cookies: [
  { name: 'epoch', value: '', expires: new Date(0) },
  { name: 'second', value: '', expires: new Date(1000) },
  { name: 'gone', value: '', maxAge: 0 },
  { name: '__Host-s', value: 'a+/=', path: '/', secure: true, httpOnly: true, sameSite: 'Lax', maxAge: 60 } ] }) })
app.http('badCookie', { handler: async () => ({ cookies: [{ name: 'a b', value: '1' }] }) })
app.http('length', { handler: async () => ({ body: 'abc', headers: { 'content-length': '2' } }) })
app.http('logs', { handler: async (request, context) => {
  context.log('said %s', 'informally'); context.warn('warned'); context.debug('whispered')
  console.log(JSON.stringify({ evt: 'x' })); return { body: 'ok' } } })
app.http('env', { handler: async () => ({ jsonBody: { hostname: process.env.WEBSITE_HOSTNAME,
  environment: process.env.AZURE_FUNCTIONS_ENVIRONMENT, cwd: process.cwd() } }) })
let release
app.http('slow', { methods: ['GET'], handler: async () => { await new Promise((done) => { release = done }); return { body: 'late' } } })
app.http('release', { methods: ['POST'], handler: async () => { release(); return { body: 'ok' } } })
app.http('hangs', { handler: () => new Promise(() => {}) })
`
const hostJson = JSON.stringify({
  version: '2.0',
  functionTimeout: '00:00:01',
  extensions: { http: { customHeaders: { 'Cache-Control': 'no-store', 'X-Custom': 'yes' } } },
})

let app: TestApp
let host: TestHost

beforeAll(async () => {
  app = await writeApp(code, { 'host.json': hostJson })
  host = await spawnApp(app, {
    env: { ...process.env, 'AzureWebJobs.off.Disabled': 'true', FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: '100' },
  })
})
afterAll(async () => {
  await host.stop()
  await app.remove()
})

type Echo = Record<'by' | 'id' | 'method' | 'url' | 'body', string> & {
  params: object
  query: [string, string][]
  headers: Record<string, string>
  trace: { traceParent: string; traceState: string }
}
const get = (path: string, options = {}) => ask(host.url, path, options)
const echoed = async (path: string, options = {}) => (await get(path, options)).json() as Echo

describe('routing', () => {
  test('matches literals in any case and ignores one trailing slash', async () => {
    expect((await echoed('/API/Echo/')).by).toBe('echo')
    expect((await get('/api/echo//')).status).toBe(404)
    expect((await get('/echo')).status).toBe(404)
  })

  test('decodes parameters, except for slashes', async () => {
    expect((await echoed('/api/sessions/a%20b%2Fc%C3%A9/END')).params).toEqual({ sid: 'a b%2Fcé' })
  })

  test('leaves a missing optional parameter out', async () => {
    expect((await echoed('/api/optional')).params).toEqual({})
    expect((await echoed('/api/optional/1')).params).toEqual({ x: '1' })
  })

  test('takes the first function by name in any case, not the more literal one', async () => {
    expect((await echoed('/api/order/a')).by).toBe('ALiteral')
    expect((await echoed('/api/order/c')).by).toBe('bParameter')
    expect(host.stderr()).toContain("'api/order/{any}' (bParameter) hides 'api/order/c' (cLiteral)")
  })

  test('answers 404 to a method that is not listed, HEAD and OPTIONS included', async () => {
    expect((await get('/api/both', { method: 'GET' })).status).toBe(200)
    expect((await get('/api/both', { method: 'HEAD' })).status).toBe(404)
    expect((await get('/api/both', { method: 'OPTIONS' })).status).toBe(404)
    expect((await get('/api/both', { method: 'PUT' })).status).toBe(404)
    expect((await get('/api/options', { method: 'OPTIONS' })).status).toBe(200)
  })

  test('serves one template by two functions when their methods are disjoint', async () => {
    expect((await echoed('/api/both')).by).toBe('bothGet')
    expect((await echoed('/api/both', { method: 'POST' })).by).toBe('bothPost')
  })

  test('does not serve the later of two functions with one template and a common method', async () => {
    expect((await echoed('/api/twice', { method: 'POST' })).by).toBe('twiceFirst')
    expect((await get('/api/twice', { method: 'PUT' })).status).toBe(404)
    expect(host.errors).toContainEqual(expect.stringMatching(/'twiceSecond' function is in error: .*'twiceFirst'/))
  })

  test('reports and does not serve invalid names, foreign triggers and disabled functions', async () => {
    expect((await get('/api/1digit')).status).toBe(404)
    expect((await get('/api/off')).status).toBe(404)
    expect(host.errors).toContainEqual(expect.stringMatching(/'1digit' .*name is invalid/))
    expect(host.errors).toContainEqual(expect.stringMatching(/'queued' .*queueTrigger/))
    expect(host.stderr()).toContain('off is disabled')
    expect(host.functions.map(({ name }) => name)).not.toContain('off')
  })

  test('does not enforce keys, and reports it', async () => {
    expect((await get('/api/keyed')).status).toBe(200)
    expect(host.stderr()).toContain("keyed: this host does not enforce authLevel 'function'")
  })

  test('lists what it serves with prefix and methods', () => {
    expect(host.functions).toContainEqual({
      name: 'session',
      type: 'httpTrigger',
      methods: ['GET', 'POST'],
      route: '/api/sessions/{sid}/end',
    })
  })

  test('has a home page at the root only', async () => {
    const home = await get('/')
    expect([home.status, home.headers['content-type']]).toEqual([200, 'text/html'])
    expect((await get('/x')).status).toBe(404)
  })

  test('refuses a path with a NUL', async () => expect((await get('/api/sessions/%00/end')).status).toBe(400))
})

describe('a request', () => {
  test('has lower-case header names, and repeated headers joined by a comma', async () => {
    const { headers } = await echoed('/api/echo', {
      headers: { 'X-Twice': ['1', '2'], Cookie: 'a=1; b=2', 'X-Empty': '' },
    })
    expect(headers).toMatchObject({ 'x-twice': '1,2', cookie: 'a=1; b=2', 'x-empty': '' })
  })

  test('has one value for a repeated query parameter, joined by a comma', async () => {
    expect((await echoed('/api/echo?x=1&X=2&y&z=a%2Bb+c')).query).toEqual([
      ['x', '1,2'],
      ['y', ''],
      ['z', 'a+b c'],
    ])
  })

  test('has its body if it came with a length, and no body if it came in chunks', async () => {
    expect((await echoed('/api/echo', { method: 'POST', body: 'whole' })).body).toBe('whole')
    expect((await echoed('/api/echo', { method: 'POST', body: 'lost', chunked: true })).body).toBe('')
  })

  test('with GET has no body, whatever was sent', async () => {
    expect((await echoed('/api/echo', { method: 'GET', body: 'lost' })).body).toBe('')
    await until(() => host.stderr().includes('Discarding the body'), 'the warning of the library')
  })

  test('may be exactly as large as the limit, and not a byte larger', async () => {
    expect((await echoed('/api/echo', { method: 'POST', body: 'x'.repeat(100) })).body).toHaveLength(100)
    expect((await get('/api/echo', { method: 'POST', body: 'x'.repeat(101) })).status).toBe(413)
  })

  test('takes its scheme from x-forwarded-proto', async () => {
    const authority = new URL(host.url).host
    expect((await echoed('/api/echo?a=1')).url).toBe(`http://${authority}/api/echo?a=1`)
    const url = (await echoed('/api/echo', { headers: { 'x-forwarded-proto': 'https' } })).url
    expect(url).toBe(`https://${authority}/api/echo`)
  })

  test('has an invocation id of its own, and the trace of its caller', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const [first, second] = [await echoed('/api/echo'), await echoed('/api/echo', { headers: { traceparent } })]
    expect(first.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-/)
    expect(second.id).not.toBe(first.id)
    expect(second.trace.traceParent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/)
  })

  test('with a foreign Host or Origin is refused', async () => {
    expect((await get('/api/echo', { headers: { host: 'evil.test' } })).status).toBe(403)
    expect((await get('/api/echo', { headers: { origin: 'https://evil.test' } })).status).toBe(403)
    expect((await get('/api/echo', { headers: { origin: 'null' } })).status).toBe(403)
    expect((await get('/api/echo', { headers: { origin: 'http://localhost:8000' } })).status).toBe(200)
  })
})

describe('a response', () => {
  test('without a return value is 204', async () => {
    const { status, text, headers } = await get('/api/nothing')
    expect([status, text, headers['content-length']]).toEqual([204, '', undefined])
  })

  test.each(['throws', 'number', 'badStatus', 'badCookie', 'length'])(
    'of %s is 500 with an empty body',
    async (name) => {
      const { status, text } = await get(`/api/${name}`)
      expect([status, text]).toEqual([500, ''])
    },
  )

  test('that failed has its reason on stderr', async () => {
    await get('/api/throws')
    await until(() => host.stderr().includes('secret detail'), 'the error in the log')
  })

  test('is chunked and signed by Kestrel', async () => {
    const { headers, text } = await get('/api/text')
    expect(text).toBe('héllo')
    expect(headers).toMatchObject({
      'transfer-encoding': 'chunked',
      server: 'Kestrel',
      'content-type': 'text/plain;charset=UTF-8',
    })
    expect(headers['content-length']).toBeUndefined()
  })

  test('may hold bytes', async () => {
    const response = await fetch(`${host.url}/api/bytes`)
    expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([0, 255, 1])
    expect(response.headers.get('content-type')).toBe('x/y')
  })

  test.each([204, 205, 304])('%d has no body even if given', async (status) => {
    const answer = await get(`/api/status/${status}`)
    expect([answer.status, answer.text]).toEqual([status, ''])
  })

  test('has custom headers only where the function set none, errors included', async () => {
    expect((await get('/api/headers')).headers).toMatchObject({ 'cache-control': 'max-age=1', 'x-custom': 'yes' })
    expect((await get('/api/text')).headers).toMatchObject({ 'cache-control': 'no-store', 'x-custom': 'yes' })
    expect((await get('/api/throws')).headers['x-custom']).toBe('yes')
    expect((await get('/api/unknown')).headers['x-custom']).toBe('yes')
  })

  test('to HEAD has headers and no body', async () => {
    const { status, text, headers } = await get('/api/headers', { method: 'HEAD' })
    expect([status, text, headers['x-custom']]).toEqual([200, '', 'yes'])
  })

  test('keeps one set-cookie of its headers beside its cookies', async () => {
    expect((await get('/api/headers')).headers['set-cookie']).toEqual(['h=1', 'c=2; path=/'])
    expect((await get('/api/lost')).headers['set-cookie']).toEqual(['h=2'])
  })

  test('drops a cookie that expires at the epoch exactly, and keeps max-age 0', async () => {
    expect((await get('/api/cookies')).headers['set-cookie']).toEqual([
      'epoch=; path=/',
      'second=; expires=Thu, 01 Jan 1970 00:00:01 GMT; path=/',
      'gone=; max-age=0; path=/',
      '__Host-s=a%2B%2F%3D; max-age=60; path=/; secure; samesite=lax; httponly',
    ])
  })

  test('does not come when the function exceeds its timeout: 500', async () => {
    expect((await get('/api/hangs')).status).toBe(500)
    expect(host.stderr()).toMatch(/Timeout value of 1000 ms exceeded by function 'Functions.hangs'/)
  })
})

test('two requests run at once in one process', async () => {
  const slow = get('/api/slow')
  await until(() => host.stderr().includes("Executing 'Functions.slow'"), 'the start of the slow request')
  expect((await get('/api/release', { method: 'POST' })).text).toBe('ok')
  expect((await slow).text).toBe('late')
})

test("context.log goes to stderr, and stdout holds the app's own lines only", async () => {
  await get('/api/logs')
  await until(() => host.stdout() !== '' && host.stderr().includes('warned'), 'both outputs')
  expect(host.stdout()).toBe('{"evt":"x"}\n')
  expect(host.stderr()).toMatch(/Z\] said informally\n/)
  expect(host.stderr()).toMatch(/\[warning\] warned\n/)
  expect(host.stderr()).not.toContain('whispered')
})

test('the app sees what Core Tools would have set', async () => {
  const { hostname, environment, cwd } = (await get('/api/env')).json() as Record<string, string>
  expect([hostname, environment]).toEqual([`localhost:${host.port}`, 'Development'])
  expect(cwd).toBe(app.root)
})

test('the banner names the limits of this host', () => {
  expect(host.stderr()).toMatch(/do not use it in production/)
  expect(host.stderr()).toMatch(/keys and authLevel/)
  expect(host.stderr()).toMatch(/singleton lock/)
})
