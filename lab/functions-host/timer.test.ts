import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { ask, spawnApp, type TestApp, type TestHost, until, writeApp } from './testing/host.ts'

const apps: TestApp[] = []
const hosts: TestHost[] = []
const started = async (code: string, prepare?: (app: TestApp) => Promise<unknown>, env = {}) => {
  const app = await writeApp(code)
  apps.push(app)
  await prepare?.(app)
  const host = await spawnApp(app, { env: { ...process.env, ...env } })
  hosts.push(host)
  return { app, host }
}
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.stop()
  for (const app of apps.splice(0)) await app.remove()
})

const linesOf = (host: TestHost) =>
  host
    .stdout()
    .split('\n')
    .filter((line) => line !== '')
    .map(
      (line) =>
        JSON.parse(line) as { isPastDue: boolean; scheduleStatus: { next: string; last: string } | null; at?: number },
    )
const timer = (options: string, body = 'console.log(JSON.stringify(timer))') =>
  `app.timer('sweep', { ${options}, handler: async (timer, context) => { ${body} } })`
const yearly = "schedule: '0 0 0 1 1 *'"
const statusFile = (app: TestApp) => join(app.root, '.lab', 'timers', 'sweep.json')
const writeStatus = (status: object) => async (app: TestApp) => {
  await mkdir(join(app.root, '.lab', 'timers'), { recursive: true })
  await writeFile(statusFile(app), JSON.stringify(status))
}
const newYear = (year: number) => `${year}-01-01T00:00:00.000+00:00`
const missed = { Last: newYear(2020), Next: newYear(2021), LastUpdated: newYear(2020) }
const run = (host: TestHost, options: object = {}, name = 'sweep') =>
  ask(host.url, `/admin/functions/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"input":""}',
    ...options,
  })

describe('a timer', () => {
  test('runs on its schedule, with the documented argument', async () => {
    const { host } = await started(timer("schedule: '* * * * * *'"))
    await until(() => linesOf(host).length >= 2, 'two runs')
    expect(linesOf(host)[0]).toEqual({ schedule: { adjustForDST: true }, scheduleStatus: null, isPastDue: false })
    expect(host.functions).toEqual([{ name: 'sweep', type: 'timerTrigger', methods: [], route: '' }])
  })

  test('takes its schedule from a setting, and is in error without it', async () => {
    const code = timer("schedule: '%SWEEP_SCHEDULE%'")
    const { host } = await started(code, undefined, { SWEEP_SCHEDULE: '* * * * * *' })
    await until(() => linesOf(host).length >= 1, 'a run')
    const { host: without } = await started(`${code}\napp.http('up', { handler: async () => ({ body: 'up' }) })`)
    expect(without.errors).toEqual([expect.stringMatching(/'sweep' function is in error: .*SWEEP_SCHEDULE/)])
    expect((await ask(without.url, '/api/up')).status).toBe(200)
  })

  test('continues after a failed run', async () => {
    const body = "console.log('{}'); throw new Error('a bad night')"
    const { host } = await started(timer("schedule: '* * * * * *'", body))
    await until(() => linesOf(host).length >= 2, 'two runs')
    expect(host.stderr()).toContain('a bad night')
  })

  test('never runs concurrently: a late run delays the next', async () => {
    const body = `
      globalThis.runs = (globalThis.runs ?? 0) + 1
      console.log(JSON.stringify({ at: globalThis.runs }))
      await new Promise((done) => setTimeout(done, 1500))
      globalThis.runs -= 1`
    const { host } = await started(timer("schedule: '* * * * * *'", body))
    await until(() => linesOf(host).length >= 3, 'three runs')
    expect(linesOf(host).map(({ at }) => at)).toEqual([1, 1, 1])
  })

  test('remembers when it is next due from its very first start', async () => {
    const { app, host } = await started(timer(yearly))
    const status = JSON.parse(await readFile(statusFile(app), 'utf8'))
    expect(status.Last).toMatch(/^0001-01-01/)
    expect(status.Next).toMatch(/^\d{4}-01-01T00:00:00\.000\+00:00$/)
    expect(host.stdout()).toBe('')
  })

  test('runs once at a start that comes after its occurrence, however many it missed', async () => {
    const { app, host } = await started(timer(yearly), writeStatus(missed))
    const [first] = await until(() => linesOf(host).length > 0 && linesOf(host), 'the past due run')
    expect(first).toMatchObject({ isPastDue: true, scheduleStatus: { last: newYear(2020), next: newYear(2021) } })
    await host.stop()
    expect(JSON.parse(await readFile(statusFile(app), 'utf8')).Next).not.toBe(newYear(2021))
    expect(linesOf(host)).toHaveLength(1)
  })

  test('with runOnStartup runs at every start; past due wins, and there is one run', async () => {
    const code = timer(`${yearly}, runOnStartup: true`)
    const { host } = await started(code)
    await until(() => linesOf(host).length > 0, 'the run at the start')
    const { host: late } = await started(code, writeStatus(missed))
    await until(() => linesOf(late).length > 0, 'the past due run')
    await host.stop()
    await late.stop()
    expect(linesOf(host).map(({ isPastDue }) => isPastDue)).toEqual([false])
    expect(linesOf(late).map(({ isPastDue }) => isPastDue)).toEqual([true])
  })

  test('without a monitor keeps no status and is never past due', async () => {
    const { app, host } = await started(timer(`${yearly}, useMonitor: false`), writeStatus(missed))
    expect((await run(host)).status).toBe(202)
    const [asked] = await until(() => linesOf(host).length > 0 && linesOf(host), 'the run on request')
    expect(asked).toMatchObject({ isPastDue: false, scheduleStatus: null })
    expect(JSON.parse(await readFile(statusFile(app), 'utf8'))).toEqual(missed)
  })
})

describe('POST /admin/functions/<name>', () => {
  test('answers 202 at once, before the run has ended', async () => {
    const body = 'await new Promise((done) => setTimeout(done, 500)); console.log(\'{"at":1}\')'
    const { host } = await started(timer(yearly, body))
    expect((await run(host)).status).toBe(202)
    expect(host.stdout()).toBe('')
    await until(() => linesOf(host).length === 1, 'the end of the run')
  })

  test('knows names in any case, and gives the stored status without calling it past due', async () => {
    const { host } = await started(timer(yearly))
    expect((await run(host, {}, 'SWEEP')).status).toBe(202)
    const [asked] = await until(() => linesOf(host).length > 0 && linesOf(host), 'the run')
    expect(asked?.isPastDue).toBe(false)
    expect(asked?.scheduleStatus?.next).toMatch(/-01-01T00:00:00/)
  })

  test.each([
    ['an empty body', { body: '' }, 400],
    ['what is not JSON', { body: '{"input"' }, 400],
    ['JSON that is no object', { body: '""' }, 400],
    ['null', { body: 'null' }, 400],
    ['an input that is no value', { body: '{"input":{}}' }, 400],
    ['another content type', { headers: { 'content-type': 'text/plain' } }, 415],
    ['no content type', { headers: {} }, 415],
    ['another charset', { headers: { 'content-type': 'application/json; charset=latin1' } }, 415],
    ['more than 64 KiB', { body: `{"input":"${'x'.repeat(65_536)}"}` }, 413],
    ['another method', { method: 'PUT' }, 404],
    ['a foreign origin', { headers: { 'content-type': 'application/json', origin: 'https://evil.test' } }, 403],
    ['a foreign host', { headers: { 'content-type': 'application/json', host: 'evil.test' } }, 403],
  ])('refuses %s', async (_, options, status) => {
    const { host } = await started(timer(yearly))
    expect((await run(host, options)).status).toBe(status)
    await host.stop()
    expect(host.stdout()).toBe('')
  })

  test.each([
    ['text/json', {}],
    ['application/vnd.x+json; charset="UTF-8"', {}],
    ['application/json', { chunked: true }],
  ])('takes a body of %s, %j', async (type, more) => {
    const { host } = await started(timer(yearly))
    expect((await run(host, { headers: { 'content-type': type }, body: '{"input":1}', ...more })).status).toBe(202)
    await until(() => linesOf(host).length === 1, 'the run')
  })

  test('does not know a function that is not there, and accepts one with another trigger without running it', async () => {
    const { host } = await started(`app.http('web', { handler: async () => { console.log('{}') } })`)
    expect((await run(host, {}, 'none')).status).toBe(404)
    expect((await run(host, {}, 'web')).status).toBe(202)
    await until(() => host.stderr().includes('web has an HTTP trigger'), 'the warning')
    expect(host.stdout()).toBe('')
  })
})
