import { join } from 'node:path'
import { build } from 'esbuild'
import { afterEach, expect, test } from 'vitest'
import { startFunctionsHost } from './host.ts'
import { ask, type TestApp, until, writeApp } from './testing/host.ts'

const apps: TestApp[] = []
const written = async (...args: Parameters<typeof writeApp>) => {
  const app = await writeApp(...args)
  apps.push(app)
  return app
}
afterEach(async () => {
  for (const app of apps.splice(0)) await app.remove()
})
const start = (app: TestApp, more = {}) => startFunctionsHost({ root: app.root, port: 0, log: () => {}, ...more })

test('a host in this process serves, and one after it serves the same app or another', async () => {
  const code = (body: string) =>
    `let calls = 0; app.http('a', { handler: async () => ({ body: '${body}' + ++calls }) })`
  const [first, second] = [await written(code('one')), await written(code('two'))]
  for (const [app, body] of [
    [first, 'one1'],
    [second, 'two1'],
    [first, 'one1'],
  ] as const) {
    const host = await start(app)
    expect((await ask(host.url, '/api/a')).text).toBe(body)
    await host.close()
    await expect(ask(host.url, '/api/a')).rejects.toThrow(/ECONNREFUSED/)
  }
})

test('a bundle that holds the library itself registers into the host, at every start', async () => {
  const app = await written("app.http('a', { handler: async (request) => ({ body: 'bundled ' + request.method }) })", {
    'package.json': '{ "main": "dist/functions.cjs", "type": "module" }',
  })
  await build({
    entryPoints: [join(app.root, 'app.cjs')],
    outfile: join(app.root, 'dist/functions.cjs'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['@azure/functions-core'],
    logLevel: 'error',
  })
  for (const _ of [1, 2]) {
    const host = await start(app)
    expect((await ask(host.url, '/api/a')).text).toBe('bundled GET')
    await host.close()
  }
})

test('a second host in the same process is refused, and the first continues', async () => {
  const app = await written("app.http('a', { handler: async () => ({ body: 'x' }) })")
  const host = await start(app)
  await expect(start(app)).rejects.toThrow(/separate process/)
  expect((await ask(host.url, '/api/a')).text).toBe('x')
  await host.close()
})

test('the environment is that of the app while it runs, and as before afterwards', async () => {
  const app = await written(
    "app.http('a', { handler: async () => ({ body: process.env.FH_TEST + process.env.FH_LOCAL }) })",
    {
      'local.settings.json': '{"Values":{"FH_TEST":"local","FH_LOCAL":"local"}}',
    },
  )
  const host = await start(app, { env: { FH_TEST: 'given' } })
  expect((await ask(host.url, '/api/a')).text).toBe('givenlocal')
  await host.close()
  expect([process.env.FH_TEST, process.env.FH_LOCAL, process.env.WEBSITE_HOSTNAME]).toEqual([
    undefined,
    undefined,
    undefined,
  ])
})

test('a start that fails leaves nothing behind: the next one works', async () => {
  await expect(start(await written("throw new Error('no')"))).rejects.toThrow(/no/)
  const host = await start(await written("app.http('a', { handler: async () => ({ body: 'x' }) })"))
  expect((await ask(host.url, '/api/a')).text).toBe('x')
  await host.close()
})

test('closing twice is closing once', async () => {
  const app = await written('app.hook.appTerminate(() => { globalThis.ended = (globalThis.ended ?? 0) + 1 })')
  const host = await start(app)
  await Promise.all([host.close(), host.close()])
  expect((globalThis as { ended?: number }).ended).toBe(1)
})

test('a stop abandons invocations and hooks that exceed its time', async () => {
  const app = await written(`
    app.http('hangs', { handler: () => new Promise(() => {}) })
    app.hook.appTerminate(() => new Promise(() => {}))`)
  const lines: string[] = []
  const host = await start(app, { drainMs: 100, terminateMs: 50, log: (line: string) => lines.push(line) })
  const hanging = ask(host.url, '/api/hangs').catch((error: NodeJS.ErrnoException) => error.code)
  await until(() => lines.some((line) => line.includes("Executing 'Functions.hangs'")), 'the start of the request')
  await host.close()
  expect(await hanging).toBe('ECONNRESET')
  expect(lines).toContain('Warning: invocations that still ran after 100 ms were abandoned')
  expect(lines).toContain('Warning: the appTerminate hooks exceeded their limit of 50 ms')
})

test('a stop waits for a function even when its caller has gone', async () => {
  const app = await written(`
    app.http('slow', { handler: async () => {
      await new Promise((done) => setTimeout(done, 300)); globalThis.finished = true } })`)
  const lines: string[] = []
  const host = await start(app, { log: (line: string) => lines.push(line) })
  const caller = new AbortController()
  const gone = fetch(`${host.url}/api/slow`, { signal: caller.signal }).catch(() => 'gone')
  await until(() => lines.some((line) => line.includes("Executing 'Functions.slow'")), 'the start of the request')
  caller.abort()
  await gone
  await host.close()
  expect((globalThis as { finished?: boolean }).finished).toBe(true)
})

test('any other address than loopback is refused', async () => {
  await expect(start(await written(''), { hostname: '0.0.0.0' })).rejects.toThrow(/loopback only/)
})

test('the IPv6 loopback works as well', async () => {
  const host = await start(await written("app.http('a', { handler: async () => ({ body: 'six' }) })"), {
    hostname: '::1',
  })
  expect(host.url).toBe(`http://[::1]:${host.port}`)
  expect(await (await fetch(`${host.url}/api/a`)).text()).toBe('six')
  await host.close()
})
