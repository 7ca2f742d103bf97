import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { portOf } from '../processes/ports.ts'
import { spawnFunctionsHost } from './spawn.ts'
import { ask, spawnApp, type TestApp, until, writeApp } from './testing/host.ts'

const apps: TestApp[] = []
const written = async (...args: Parameters<typeof writeApp>) => {
  const app = await writeApp(...args)
  apps.push(app)
  return app
}
afterEach(async () => {
  for (const app of apps.splice(0)) await app.remove()
})

const held = `
let release
app.http('hold', { handler: async () => { await new Promise((done) => { release = done }); return { body: 'done' } } })
app.hook.appTerminate(async (context) => {
  await new Promise((next) => setTimeout(next, 10))
  console.log(JSON.stringify({ terminated: context.hookData.started }))
})
app.hook.appStart((context) => { context.hookData.started = true; console.log('started') })
process.on('message', () => release())
`

describe('a graceful stop', () => {
  test.skipIf(process.platform === 'win32')(
    'waits for what runs, refuses what is new, runs appTerminate, and exits 0',
    async () => {
      const host = await spawnApp(await written(held))
      const running = ask(host.url, '/api/hold')
      await until(() => host.stderr().includes("Executing 'Functions.hold'"), 'the start of the request')
      host.child.kill('SIGTERM')
      await until(() => host.stderr().includes('Stopping (SIGTERM)'), 'the stop')
      await expect(ask(host.url, '/api/hold')).rejects.toThrow(/ECONNREFUSED/)
      expect(host.stdout()).toBe('started\n')
      host.child.send('release')
      expect((await running).text).toBe('done')
      expect(await host.exited).toBe(0)
      expect(host.stdout()).toBe('started\n{"terminated":true}\n')
    },
  )

  test('follows when the IPC channel closes, as it does when the parent is killed', async () => {
    const host = await spawnApp(await written(held))
    host.child.disconnect()
    expect(await host.exited).toBe(0)
    expect(host.stdout()).toContain('terminated')
  })

  test('does not wait for an idle keep-alive connection', async () => {
    const host = await spawnApp(await written("app.http('a', { handler: async () => ({ body: 'x' }) })"))
    await (await fetch(`${host.url}/api/a`)).text() // fetch keeps its connection
    const startedAt = Date.now()
    expect(await host.stop()).toBe(0)
    expect(Date.now() - startedAt).toBeLessThan(5000)
  })
})

describe('an uncaught exception', () => {
  test.each([
    ['thrown in a callback', "setTimeout(() => { throw new Error('boom') })"],
    ['a rejection nobody handles', "Promise.reject(new Error('boom'))"],
  ])('%s ends the process with 1, and running requests with 500', async (_, fault) => {
    const host = await spawnApp(
      await written(`
      app.http('hold', { handler: () => new Promise(() => {}) })
      app.http('crash', { handler: () => { ${fault}; return new Promise(() => {}) } })`),
    )
    const running = ask(host.url, '/api/hold')
    await until(() => host.stderr().includes("Executing 'Functions.hold'"), 'the start of the request')
    expect((await ask(host.url, '/api/crash')).status).toBe(500)
    expect((await running).status).toBe(500)
    expect(await host.exited).toBe(1)
    expect(host.stderr()).toMatch(/Worker uncaught exception: Error: boom/)
  })
})

describe('hooks', () => {
  test('may replace inputs, function, result and error, and share data in one invocation', async () => {
    const host = await spawnApp(
      await written(`
      const seen = (context) => context.invocationContext.functionName
      app.hook.preInvocation((context) => {
        context.hookData.id = context.invocationContext.invocationId
        if (seen(context) === 'inputs') context.inputs = [{ replaced: true }]
        if (seen(context) === 'handler') context.functionHandler = async () => ({ body: 'other' })
        if (seen(context) === 'refused') throw new Error('not today')
      })
      app.hook.postInvocation((context) => {
        if (seen(context) === 'data') context.result = { body: String(context.hookData.id === context.invocationContext.invocationId) }
        if (seen(context) === 'mended') { context.error = null; context.result = { status: 418 } }
        if (seen(context) === 'broken') context.error = new Error('after all')
      })
      app.http('inputs', { handler: async (request) => ({ jsonBody: request }) })
      app.http('handler', { handler: async () => ({ body: 'own' }) })
      app.http('refused', { handler: async () => ({ body: 'own' }) })
      app.http('data', { handler: async () => ({ body: 'own' }) })
      app.http('mended', { handler: async () => { throw new Error('x') } })
      app.http('broken', { handler: async () => ({ body: 'own' }) })`),
    )
    const get = (name: string) => ask(host.url, `/api/${name}`)
    expect((await get('inputs')).text).toBe('{"replaced":true}')
    expect((await get('handler')).text).toBe('other')
    expect((await get('refused')).status).toBe(500)
    expect((await get('data')).text).toBe('true')
    expect((await get('mended')).status).toBe(418)
    expect((await get('broken')).status).toBe(500)
    await host.stop()
  })

  test('of an unknown name are accepted with a warning, and disposed ones do not run', async () => {
    const host = await spawnApp(
      await written(`
      app.hook.log(() => {})
      app.hook.preInvocation(() => { throw new Error('disposed') }).dispose()
      app.http('a', { handler: async () => ({ body: 'x' }) })`),
    )
    expect(host.stderr()).toMatch(/The hook "log" is unknown/)
    expect((await ask(host.url, '/api/a')).status).toBe(200)
    await host.stop()
  })
})

describe('settings', () => {
  const code =
    "app.http('env', { handler: async () => ({ jsonBody: [process.env.FROM_FILE, process.env.FROM_BOTH] }) })"
  const local = JSON.stringify({
    IsEncrypted: false,
    Values: { FROM_FILE: 'file', FROM_BOTH: 'file' },
    Host: { CORS: '*' },
  })
  const env = { ...process.env, FROM_BOTH: 'environment' }

  test('of local.settings.json are there, and those of the environment win', async () => {
    const host = await spawnApp(await written(code, { 'local.settings.json': local }), { env })
    expect((await ask(host.url, '/api/env')).json()).toEqual(['file', 'environment'])
    expect(host.stderr()).toContain('local.settings.json: Host has no effect')
    await host.stop()
  })

  test('of local.settings.json can be left out', async () => {
    const app = await written(code, { 'local.settings.json': local })
    const host = await spawnApp(app, { env, localSettings: false })
    expect((await ask(host.url, '/api/env')).json()).toEqual([null, 'environment'])
    await host.stop()
  })

  test('limit how many requests run and wait: one more is 429', async () => {
    const limits = { extensions: { http: { routePrefix: '', maxConcurrentRequests: 1, maxOutstandingRequests: 2 } } }
    const hostJson = JSON.stringify({ version: '2.0', ...limits })
    const host = await spawnApp(await written(held, { 'host.json': hostJson }))
    const first = ask(host.url, '/hold')
    await until(() => host.stderr().includes("Executing 'Functions.hold'"), 'the first request')
    const rest = [ask(host.url, '/hold'), ask(host.url, '/hold')]
    expect((await Promise.race(rest)).status).toBe(429)
    host.child.send('release')
    expect((await first).status).toBe(200)
    await until(() => host.stderr().split("Executing 'Functions.hold'").length === 3, 'the waiting request')
    host.child.send('release')
    expect((await Promise.all(rest)).map(({ status }) => status).sort()).toEqual([200, 429])
    await host.stop()
  })
})

test('entry files match a glob, and an ES module app works too', async () => {
  const host = await spawnApp(
    await written('', {
      'package.json': '{ "main": "functions/*.{js,cjs}", "type": "module" }',
      'functions/a.js':
        "import { app } from '@azure/functions'\napp.http('a', { handler: async () => ({ body: 'esm' }) })",
      'functions/b.cjs': "require('@azure/functions').app.http('b', { handler: async () => ({ body: 'cjs' }) })",
    }),
  )
  expect((await ask(host.url, '/api/a')).text).toBe('esm')
  expect((await ask(host.url, '/api/b')).text).toBe('cjs')
  await host.stop()
})

describe('a start fails with the reason', () => {
  const handler = '{ handler: async () => ({}) }'
  test.each([
    [
      'when "main" matches nothing',
      '',
      { 'package.json': '{"main":"dist/*.js"}' },
      /"main" is "dist\/\*\.js", which matches no file/,
    ],
    ['when there is no "main"', '', { 'package.json': '{}' }, /has no "main"/],
    ['when host.json has another version', '', { 'host.json': '{"version":"1.0"}' }, /version must be "2.0"/],
    ['when an entry file throws', "throw new Error('no database')", {}, /app\.cjs could not be loaded: no database/],
    ['when an appStart hook throws', "app.hook.appStart(() => { throw new Error('not ready') })", {}, /not ready/],
    [
      'when a name is registered twice',
      `app.http('a', ${handler}); app.http('a', ${handler})`,
      {},
      /"a" has already been registered/,
    ],
    [
      'when a route has a constraint',
      `app.http('a', { route: '{id:int}', handler: async () => ({}) })`,
      {},
      /constraint in \{id:int\}/,
    ],
    [
      'when HTTP streaming is on',
      `app.setup({ enableHttpStream: true }); app.http('a', ${handler})`,
      {},
      /enableHttpStream/,
    ],
    ['when the local settings are encrypted', '', { 'local.settings.json': '{"IsEncrypted":true}' }, /encrypted/],
  ])('%s', async (_, code, files, reason) => {
    const app = await written(code, files as Record<string, string>)
    await expect(spawnFunctionsHost({ root: app.root })).rejects.toThrow(reason)
  })

  test('when its port is taken', async () => {
    const other = createServer()
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done))
    const port = portOf(other)
    await expect(spawnFunctionsHost({ root: (await written('')).root, port })).rejects.toThrow(/EADDRINUSE/)
    other.close()
  })
})

test('registering after the start throws', async () => {
  const host = await spawnApp(
    await written(`app.http('late', { handler: async () => {
      try { app.http('x', { handler: async () => ({}) }) } catch (error) { return { body: error.message } } } })`),
  )
  expect((await ask(host.url, '/api/late')).text).toMatch(/only be registered during app startup/)
  await host.stop()
})

test('reserved routes are in error and answer 404', async () => {
  const hostJson = '{"version":"2.0","extensions":{"http":{"routePrefix":""}}}'
  const code = ['admin/x', 'Runtime/x', 'administer'].map(
    (route, index) => `app.http('f${index}', { route: '${route}', handler: async () => ({ body: 'x' }) })`,
  )
  const host = await spawnApp(await written(code.join('\n'), { 'host.json': hostJson }))
  expect(host.errors).toHaveLength(2)
  expect((await ask(host.url, '/admin/x')).status).toBe(404)
  expect((await ask(host.url, '/runtime/x')).status).toBe(404)
  expect((await ask(host.url, '/administer')).status).toBe(200)
  await host.stop()
})

describe('the command line', () => {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  const run = (...args: string[]) =>
    new Promise<{ code: unknown; out: string; err: string }>((done) =>
      execFile(process.execPath, ['--import', tsx, main, ...args], (error, out, err) =>
        done({ code: error?.code ?? 0, out, err }),
      ),
    )

  test('has a help', async () => {
    const { code, out } = await run('--help')
    expect(code).toBe(0)
    expect(out).toMatch(/--root DIR/)
  })

  test.each([[['--port', 'x']], [['--port', '65536']], [['--host', '0.0.0.0']], [['--unknown']]])(
    '%j is a usage error: exit code 2',
    async (args) => {
      const { code, err } = await run(...args)
      expect(code).toBe(2)
      expect(err).toContain(args.join(' '))
      expect(err).toMatch(/\nRun it with --help for usage\.\n$/)
    },
  )

  test('exits 1 when the app is not there', async () => {
    const { code, err } = await run('--root', '/nonexistent', '--port', '0')
    expect(code).toBe(1)
    expect(err).toMatch(/could not start: ENOENT/)
  })
})
