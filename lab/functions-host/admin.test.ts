import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, spawnApp, type TestApp, type TestHost, writeApp } from './testing/host.ts'

const code = `
const handler = async () => ({})
app.http('web', { methods: ['GET'], route: 'Items/{Id}', handler })
app.http('Other', { methods: ['POST'], handler })
app.http('off', { handler })
app.http('clash', { methods: ['POST'], route: 'other', handler })
app.timer('sweep', { schedule: '0 0 0 1 1 *', useMonitor: false, handler })
app.timer('never', { schedule: 'soon', handler })
`
const custom = JSON.stringify({ version: '2.0', extensions: { http: { customHeaders: { 'X-Custom': 'yes' } } } })

let app: TestApp
let host: TestHost
beforeAll(async () => {
  app = await writeApp(code, { 'host.json': custom })
  host = await spawnApp(app, { env: { ...process.env, 'AzureWebJobs.off.Disabled': 'true' } })
})
afterAll(async () => {
  await host.stop()
  await app.remove()
})
const get = (path: string, options = {}) => ask(host.url, path, options)

test.each(['GET', 'POST'])('%s /admin/host/ping is an empty 200 that no cache keeps', async (method) => {
  const { status, text, headers } = await get('/admin/host/ping', { method })
  expect([status, text]).toEqual([200, ''])
  expect(headers).toMatchObject({ 'cache-control': 'no-store,no-cache', pragma: 'no-cache', 'x-custom': 'yes' })
})

test('/admin/host/status shows the state, the start time and that this is not the real host', async () => {
  const { status, headers, json } = await get('/ADMIN/Host/Status')
  expect([status, headers['content-type']]).toEqual([200, 'application/json; charset=utf-8'])
  const { processUptime, ...rest } = json() as Record<string, unknown>
  expect(rest).toEqual({ state: 'Running', version: '4.1000.0', versionDetails: 'embedded host of the lab' })
  expect(processUptime).toBeGreaterThan(0)
})

describe('/admin/functions', () => {
  type Listed = { name: string; isDisabled: boolean; config: unknown; invoke_url_template: string | null; href: string }

  test('lists every function that was registered, by name, also what is disabled or in error', async () => {
    const listed = (await get('/admin/functions')).json() as Listed[]
    expect(listed.map(({ name, isDisabled }) => [name, isDisabled])).toEqual([
      ['clash', false],
      ['never', false],
      ['off', true],
      ['Other', false],
      ['sweep', false],
      ['web', false],
    ])
  })

  test('describes one: where it is called, and its bindings', async () => {
    const { name, href, invoke_url_template, config } = (await get('/admin/functions/WEB')).json() as Listed
    expect({ name, href, invoke_url_template }).toEqual({
      name: 'web',
      href: `${host.url}/admin/functions/web`,
      invoke_url_template: `${host.url}/api/items/{id}`,
    })
    expect(config).toMatchObject({ bindings: [{ type: 'httpTrigger', route: 'Items/{Id}' }, { type: 'http' }] })
    expect((await get('/admin/functions/sweep')).json()).toMatchObject({ invoke_url_template: null })
  })

  test.each([
    ['web', {}],
    ['never', { errors: [expect.stringContaining("'never' function is in error")] }],
    ['Other', { errors: [expect.stringContaining('conflicts with the route')] }],
  ])('the status of %s is %j', async (name, status) => {
    expect((await get(`/admin/functions/${name}/status`)).json()).toEqual(status)
  })
})

test.each([
  ['GET', '/admin'],
  ['GET', '/admin/host'],
  ['POST', '/admin/host/status'],
  ['HEAD', '/admin/host/ping'],
  ['POST', '/admin/host/restart'],
  ['POST', '/admin/functions'],
  ['DELETE', '/admin/functions/web'],
  ['GET', '/admin/functions/none'],
  ['GET', '/admin/functions/none/status'],
  ['GET', '/admin/functions/web/status/more'],
  ['GET', '/runtime/webhooks'],
])('%s %s is a 404 with the custom headers', async (method, path) => {
  const { status, headers } = await get(path, { method })
  expect([status, headers['x-custom']]).toEqual([404, 'yes'])
})

test.each([{ host: 'evil.test' }, { origin: 'https://evil.test' }])('%j is refused', async (headers) => {
  for (const path of ['/admin/host/ping', '/admin/host/status', '/admin/functions', '/'])
    expect((await get(path, { headers })).status).toBe(403)
})
