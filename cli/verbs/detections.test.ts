import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCaptured, UsageError } from 'alertproof/cli'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { tagsOf } from '../../ops/datadog-api/json.ts'
import { type FakeApi, startFakeApi } from '../../ops/datadog-api/testing/account.ts'
import { command } from './detections.ts'

const detections = join(import.meta.dirname, '../../detections')
const slugs = ['credential-stuffing', 'session-reuse']
const secret = 'webhook-secret-of-at-least-32-bytes!'
const functionKey = 'function-key_AbC123=='

let api: FakeApi
let dir: string
beforeEach(async () => {
  api = await startFakeApi()
  dir = await mkdtemp(join(tmpdir(), 'ato detections '))
  for (const file of [
    'webhook.json',
    'pipeline.json',
    'dashboard.json',
    ...slugs.map((slug) => `${slug}/monitor.json`),
  ]) {
    await cp(join(detections, file), join(dir, file))
  }
  env({
    DD_API_URL: api.url,
    DD_API_KEY: api.apiKey,
    DD_APP_KEY: api.appKey,
    ATO_FUNCTIONS_ORIGIN: 'https://ato.example.net',
    ATO_FUNCTION_KEY: functionKey,
    ATO_WEBHOOK_SECRET: secret,
  })
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await api.close()
  await rm(dir, { recursive: true, force: true })
})

function env(change: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(change)) vi.stubEnv(name, value)
}

async function run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const { code, ...said } = await runCaptured(command, [...argv, '--dir', dir])
  for (const hidden of [secret, functionKey, api.apiKey, api.appKey]) expect(said.out + said.err).not.toContain(hidden)
  return { code, ...said }
}

const json = async (file: string) => JSON.parse(await readFile(join(dir, file), 'utf8'))
const change = async (file: string, how: (content: Record<string, unknown>) => unknown) => {
  const content = await json(file)
  await writeFile(join(dir, file), JSON.stringify(how(content) ?? content))
}
const only = <T>(all: Map<unknown, T>): T => {
  expect(all.size).toBe(1)
  const [first] = all.values()
  if (first === undefined) throw new Error('The account holds no such object.')
  return first
}
const monitorOf = (slug: string) => {
  const found = [...api.monitors.values()].find((monitor) => tagsOf(monitor).includes(`detection:${slug}`))
  if (!found) throw new Error(`The account holds no monitor for ${slug}.`)
  return found
}

describe('push', () => {
  test('without --apply shows the changes and writes nothing', async () => {
    const { code, out, err } = await run('push')
    expect(code).toBe(0)
    expect(api.writes()).toEqual([])
    for (const name of [...slugs, 'ato-contain', 'ATO_WEBHOOK_SECRET', 'Mini ATO SaaS']) {
      expect(out).toMatch(new RegExp(`^\\+ \\w+ +${name}`, 'm'))
    }
    expect(out).toContain('+ https://ato.example.net')
    expect(err).toContain('8 to write. Nothing was written: add --apply')
  })

  test('--apply writes the objects of the files to Datadog', async () => {
    expect((await run('push', '--apply')).code).toBe(0)
    for (const slug of slugs) {
      const { tags, ...monitor } = await json(`${slug}/monitor.json`)
      expect(monitorOf(slug)).toMatchObject(monitor)
      expect(monitorOf(slug)?.tags).toEqual([...tags].sort())
    }
    expect(only(api.webhooks)).toEqual(await json('webhook.json'))
    expect(only(api.pipelines)).toMatchObject(await json('pipeline.json'))
    expect(only(api.dashboards)).toMatchObject(await json('dashboard.json'))
    expect(Object.fromEntries(api.variables)).toEqual({
      ATO_FUNCTIONS_ORIGIN: { name: 'ATO_FUNCTIONS_ORIGIN', is_secret: false, value: 'https://ato.example.net' },
      ATO_FUNCTION_KEY: { name: 'ATO_FUNCTION_KEY', is_secret: true, value: functionKey },
      ATO_WEBHOOK_SECRET: { name: 'ATO_WEBHOOK_SECRET', is_secret: true, value: secret },
    })
  })

  test('an object is written before those that refer to it', async () => {
    await run('push', '--apply')
    const kinds = api.writes().map((request) => request.split('/').at(-1))
    expect(kinds).toEqual([
      ...['custom-variables', 'custom-variables', 'custom-variables', 'webhooks', 'pipelines'],
      ...['monitor', 'monitor', 'dashboard'],
    ])
  })

  test('a second run changes nothing, and says that hidden variables cannot be compared', async () => {
    await run('push', '--apply')
    const before = api.writes().length
    const { code, out, err } = await run('push', '--apply')
    expect({ code, written: api.writes().length - before }).toEqual({ code: 0, written: 0 })
    expect(err).toContain('nothing to write')
    expect(out).toContain('ATO_WEBHOOK_SECRET  [hidden, set] cannot be compared')
    expect(out).not.toMatch(/^[+~]/m)
  })

  test('an edit in Datadog or in a file is shown with both values, and only that object is written', async () => {
    await run('push', '--apply')
    const edited = monitorOf('session-reuse')
    expect(edited.options).toBeDefined()
    Object.assign(edited.options ?? {}, { new_group_delay: 60 })
    await change('pipeline.json', (pipeline) => ({ ...pipeline, is_enabled: false }))
    const before = api.writes().length
    const { out } = await run('push', '--apply')
    expect(out).toMatch(/~ monitor +session-reuse \(\d+\)\n +options\.new_group_delay\n +- 60\n +\+ 0\n/)
    expect(out).toMatch(/~ pipeline .*\n +is_enabled\n +- true\n +\+ false\n/)
    const pipelineId = [...api.pipelines.keys()][0]
    expect(api.writes().slice(before)).toEqual([
      `PUT /api/v1/logs/config/pipelines/${pipelineId}`,
      `PUT /api/v1/monitor/${edited.id}`,
    ])
    expect(edited.id).toBe(monitorOf('session-reuse').id)
    expect(monitorOf('session-reuse')).toMatchObject({ options: { new_group_delay: 0 } })
    expect(only(api.pipelines)).toMatchObject({ is_enabled: false })
  })

  test('finds its own monitor behind a hundred others', async () => {
    await run('push', '--apply')
    const ours = [...api.monitors]
    api.monitors.clear()
    for (let id = 1; id <= 100; id++) {
      api.monitors.set(id, { id, name: `${id}`, type: 'log alert', query: 'q', tags: ['managed-by:mini-ato-saas'] })
    }
    for (const [id, monitor] of ours) api.monitors.set(id, monitor)
    const before = api.writes().length
    const { out } = await run('push', '--apply')
    expect(api.writes().length - before).toBe(0)
    expect(out.match(/no longer in it: delete it by hand/g)).toHaveLength(100)
  })
})

describe('an object that this command did not create', () => {
  test('is never changed, whatever its name, and is reported', async () => {
    const { name } = await json('session-reuse/monitor.json')
    const { title } = await json('dashboard.json')
    const monitor = { id: 7, name, type: 'log alert', query: 'q', tags: ['detection:session-reuse'] }
    const sister = { ...monitor, id: 8, tags: ['managed-by:mini-ato-saas-2', 'detection:session-reuse'] }
    const pipeline = { id: 'p', name: 'Mini ATO SaaS', type: 'pipeline', is_read_only: false, is_enabled: true }
    const dashboard = { id: 'd', title, description: 'managed-by:mini-ato-saas-2', layout_type: 'ordered', widgets: [] }
    for (const each of [monitor, sister]) api.monitors.set(each.id, structuredClone(each))
    api.pipelines.set('p', structuredClone(pipeline))
    api.dashboards.set('d', structuredClone(dashboard))
    const { code, out } = await run('push', '--apply')
    expect(code).toBe(0)
    expect(api.monitors.get(7)).toEqual(monitor)
    expect(api.monitors.get(8)).toEqual(sister)
    expect(api.pipelines.get('p')).toEqual(pipeline)
    expect(api.dashboards.get('d')).toEqual(dashboard)
    expect([api.monitors.size, api.pipelines.size, api.dashboards.size]).toEqual([4, 2, 2])
    expect(api.writes().filter((request) => !request.startsWith('POST'))).toEqual([])
    for (const words of ['monitor 7', 'monitor 8', 'pipeline p', 'dashboard d']) {
      expect(out).toMatch(new RegExp(`note: ${words} .* is not ours: left unchanged`))
    }
  })

  test('a webhook of our name that sends elsewhere is a fault, until it is adopted', async () => {
    api.webhooks.set('ato-contain', { name: 'ato-contain', url: 'https://elsewhere.example/hook', payload: null })
    const { code, out, err } = await run('push', '--apply')
    expect({ code, writes: api.writes() }).toEqual({ code: 1, writes: [] })
    expect(out).toContain('fault: there is a webhook ato-contain already, and it sends elsewhere')
    expect(err).toContain('Nothing was written')
    expect((await run('push', '--apply', '--adopt')).code).toBe(0)
    expect(only(api.webhooks)).toEqual(await json('webhook.json'))
  })

  test('a variable in an account without our webhook is a fault, until it is adopted', async () => {
    api.variables.set('ATO_FUNCTION_KEY', { name: 'ATO_FUNCTION_KEY', is_secret: true, value: 'theirs' })
    const { code, out } = await run('push', '--apply')
    expect({ code, writes: api.writes() }).toEqual({ code: 1, writes: [] })
    expect(out).toContain('take it over with --adopt')
  })

  test('two monitors with our mark and the same slug are a fault', async () => {
    const json = { type: 'log alert', query: 'q', tags: ['managed-by:mini-ato-saas', 'detection:session-reuse'] }
    for (const id of [1, 2]) api.monitors.set(id, { id, name: `${id}`, ...json })
    const { code, out } = await run('push', '--apply')
    expect({ code, writes: api.writes() }).toEqual({ code: 1, writes: [] })
    expect(out).toContain('there are 2 monitors with the tag detection:session-reuse with our mark (1, 2)')
  })
})

describe('before anything is written', () => {
  test.each<[string, (monitor: Record<string, unknown>) => unknown, string]>([
    ['a misspelt key', (monitor) => ({ ...monitor, mesage: '' }), 'mesage: is not a key of a monitor'],
    [
      'a value that the API does not know',
      (monitor) => ({ ...monitor, options: { ...(monitor.options as object), on_missing_data: 'shrug' } }),
      'options.on_missing_data: must be one of ',
    ],
    ['no mark', (monitor) => ({ ...monitor, tags: ['detection:session-reuse'] }), 'the mark managed-by'],
    ['another slug', (monitor) => ({ ...monitor, tags: ['managed-by:mini-ato-saas'] }), 'the tag detection:'],
    ['a handle nobody has', (monitor) => ({ ...monitor, message: '@webhook-other' }), '@webhook-other is not the name'],
  ])('a monitor with %s is refused, and Datadog is not even asked', async (_, how, reason) => {
    await change('session-reuse/monitor.json', how)
    await expect(run('push', '--apply')).rejects.toThrow(reason)
    expect(api.requests).toEqual([])
  })

  test('every fault of every file is reported at once', async () => {
    await change('webhook.json', (webhook) => ({ ...webhook, encode_as: 'xml' }))
    await change('dashboard.json', (dashboard) => ({ ...dashboard, layout_type: 'heap' }))
    await change('pipeline.json', (pipeline) => ({ ...pipeline, tags: [] }))
    await expect(run('push')).rejects.toThrow(
      /webhook\.json: encode_as.*dashboard\.json: layout_type.*pipeline\.json: the mark managed-by\S+ is missing/s,
    )
  })

  test('a monitor that Datadog refuses stops the whole push, with Datadog’s message', async () => {
    api.answerNext({
      status: 400,
      like: /^POST .*\/validate$/,
      body: { errors: ["The value provided for parameter 'query' is invalid: Invalid query: Check for invalid tags"] },
    })
    const { code, out } = await run('push', '--apply')
    expect({ code, writes: api.writes() }).toEqual({ code: 1, writes: [] })
    expect(out).toContain('fault: Could not validate the monitor Credential stuffing')
    expect(out).toContain('Check for invalid tags')
  })

  test('an existing monitor is validated under its id', async () => {
    await run('push', '--apply')
    await change('session-reuse/monitor.json', (monitor) => ({ ...monitor, priority: 2 }))
    const { id } = monitorOf('session-reuse')
    await run('push')
    expect(api.requests).toContain(`POST /api/v1/monitor/${id}/validate`)
  })
})

describe('custom variables', () => {
  test('a hidden one is written again only on request; the newest of a list in rotation is sent', async () => {
    await run('push', '--apply')
    const newest = 'a-newer-secret-of-at-least-32-bytes-'
    env({ ATO_WEBHOOK_SECRET: `${newest},${secret}` })
    await run('push', '--apply')
    expect(api.variables.get('ATO_WEBHOOK_SECRET')?.value).toBe(secret)
    const { out } = await run('push', '--apply', '--write-secrets')
    expect(out).toContain('[hidden, written again]')
    expect(out).not.toContain(newest)
    expect(api.variables.get('ATO_WEBHOOK_SECRET')).toMatchObject({ value: newest, is_secret: true })
  })

  test('a visible one is compared; one that is missing in the environment is left unchanged', async () => {
    await run('push', '--apply')
    env({ ATO_FUNCTIONS_ORIGIN: 'https://moved.example.net', ATO_WEBHOOK_SECRET: undefined, ATO_FUNCTION_KEY: '' })
    expect((await run('push', '--apply')).code).toBe(0)
    expect(api.variables.get('ATO_FUNCTIONS_ORIGIN')?.value).toBe('https://moved.example.net')
    expect(api.variables.get('ATO_WEBHOOK_SECRET')?.value).toBe(secret)
    env({ ATO_FUNCTIONS_ORIGIN: undefined })
    expect((await run('push')).out).toContain('not in the environment: left unchanged')
  })

  test('a secret that is visible in Datadog becomes hidden', async () => {
    await run('push', '--apply')
    api.variables.set('ATO_FUNCTION_KEY', { name: 'ATO_FUNCTION_KEY', is_secret: false, value: functionKey })
    expect((await run('push', '--apply')).code).toBe(0)
    expect(api.variables.get('ATO_FUNCTION_KEY')).toMatchObject({ is_secret: true, value: functionKey })
  })

  test('one that is missing in Datadog and in the environment is a fault', async () => {
    env({ ATO_WEBHOOK_SECRET: undefined })
    const { code, out } = await run('push', '--apply')
    expect({ code, writes: api.writes() }).toEqual({ code: 1, writes: [] })
    expect(out).toContain('ATO_WEBHOOK_SECRET is missing in the environment, and Datadog does not have it yet')
  })

  test.each([
    [{ ATO_FUNCTIONS_ORIGIN: 'http://ato.example.net' }, 'ATO_FUNCTIONS_ORIGIN: must be an https origin'],
    [{ ATO_FUNCTIONS_ORIGIN: 'https://ato.example.net/api' }, 'ATO_FUNCTIONS_ORIGIN: must be an https origin'],
    [{ ATO_FUNCTION_KEY: 'a&b=c' }, 'ATO_FUNCTION_KEY: holds a character'],
    [{ ATO_WEBHOOK_SECRET: 'short' }, 'ATO_WEBHOOK_SECRET: must be at least 32 bytes'],
    [{ ATO_WEBHOOK_SECRET: `${secret}"` }, 'ATO_WEBHOOK_SECRET: holds a character'],
    [{ ATO_WEBHOOK_SECRET: `lab-${secret}` }, 'ATO_WEBHOOK_SECRET: is a lab secret'],
  ])('a value that cannot work is refused by name: %j', async (given, reason) => {
    env(given)
    const refusal = run('push', '--apply')
    await expect(refusal).rejects.toThrow(reason)
    await expect(refusal).rejects.not.toThrow(Object.values(given)[0])
    expect(api.requests).toEqual([])
  })
})

describe('when Datadog cannot be used', () => {
  test('all missing keys are named at once', async () => {
    env({ DD_API_KEY: '', DD_APP_KEY: undefined, DD_API_URL: undefined, DD_SITE: undefined })
    await expect(run('push')).rejects.toThrow(/DD_API_KEY: is missing\n.*DD_APP_KEY: is missing\n.*DD_SITE: is missing/)
  })

  test('an unknown Datadog site and an API address outside loopback are refused', async () => {
    env({ DD_API_URL: 'https://api.example.com' })
    await expect(run('push')).rejects.toThrow(UsageError)
    env({ DD_API_URL: undefined })
    await expect(run('push', '--site', 'datadoghq.example')).rejects.toThrow('Unknown Datadog site "datadoghq.example"')
  })

  test.each([
    [{ DD_APP_KEY: 'some-other-key-entirely' }, '(403: Forbidden)'],
    [{ DD_API_KEY: 'some-other-key-entirely' }, '(403: Forbidden)'],
  ])('refused keys are reported with the permissions they need, without their values: %j', async (given, words) => {
    env(given)
    const refusal = run('push')
    await expect(refusal).rejects.toThrow(words)
    await expect(refusal).rejects.toThrow(/DD_APP_KEY.*monitors_write/)
    await expect(refusal).rejects.not.toThrow('some-other-key-entirely')
    expect(api.writes()).toEqual([])
  })

  test('a secret that an answer quotes is hidden', async () => {
    api.answerNext({ status: 400, like: /^POST .*variables$/, body: { errors: [`bad value ${functionKey}`] } })
    const refusal = run('push', '--apply')
    await expect(refusal).rejects.toThrow('[hidden]')
    await expect(refusal).rejects.not.toThrow(functionKey)
  })

  test('a 429 is retried after the wait that Datadog names, for reads and for writes', async () => {
    const headers = { 'x-ratelimit-reset': '0' }
    for (const like of [/^GET/, /^POST .*webhooks$/, /^POST .*\/monitor$/])
      api.answerNext({ status: 429, like, headers })
    expect((await run('push', '--apply')).code).toBe(0)
    expect([api.monitors.size, api.webhooks.size]).toEqual([2, 1])
  })

  test('a 429 at every attempt is an error', async () => {
    const refusal = { status: 429, like: /^GET .*pipelines$/, headers: { 'x-ratelimit-reset': '0' } }
    for (let n = 0; n < 5; n++) api.answerNext(refusal)
    await expect(run('push')).rejects.toThrow('limits the rate of requests')
    expect(api.requests.filter((request) => refusal.like.test(request))).toHaveLength(5)
  })

  test('a wait of more than a minute is an error at once', async () => {
    api.answerNext({ status: 429, like: /^GET/, headers: { 'x-ratelimit-reset': '61' } })
    await expect(run('push')).rejects.toThrow('Run it again in a few minutes')
  })

  test('a failed write is not repeated, and the next run continues from there', async () => {
    api.answerNext({ status: 502, like: /^POST .*\/monitor$/ })
    await expect(run('push', '--apply')).rejects.toThrow('5 of 8 were written before that; run it again to continue')
    expect(api.monitors.size).toBe(0)
    const before = api.writes().length
    expect((await run('push', '--apply')).code).toBe(0)
    expect(api.writes().length - before).toBe(3)
    expect(api.monitors.size).toBe(2)
  })

  test('a lost connection is an error that names the address', async () => {
    const gone = await startFakeApi()
    await gone.close()
    env({ DD_API_URL: gone.url })
    await expect(run('push')).rejects.toThrow(`no answer from ${gone.url}`)
  })
})

describe('output for programs', () => {
  test('diff exits with 1 while something differs and with 0 after, and writes nothing', async () => {
    expect((await run('diff')).code).toBe(1)
    expect(api.writes()).toEqual([])
    await run('push', '--apply')
    expect((await run('diff')).code).toBe(0)
  })

  test('--json prints one document, in which secrets are hidden', async () => {
    const { out, err } = await run('push', '--json')
    const report = JSON.parse(out)
    expect(report).toMatchObject({ url: api.url, applied: false, notes: [], faults: [] })
    expect(report.changes).toHaveLength(8)
    expect(report.changes[2]).toEqual({
      kind: 'variable',
      name: 'ATO_WEBHOOK_SECRET',
      action: 'create',
      differences: [{ path: 'value', to: '[hidden]' }],
    })
    expect(err).toBe('')
  })

  test.each([[[]], [['pull']], [['push', 'all']], [['diff', '--apply']]])(
    'unusable arguments are a usage error: %j',
    async (argv) => {
      await expect(run(...argv)).rejects.toThrow(UsageError)
    },
  )
})

describe('profiles', () => {
  test('prod writes its own numbers into query and thresholds, and does not change the files', async () => {
    expect((await run('push', '--apply', '--profile', 'prod')).code).toBe(0)
    const stuffing = [...api.monitors.values()].find(({ name }) => String(name).startsWith('Credential stuffing'))
    expect(stuffing?.query).toMatch(/> 30$/)
    expect(stuffing?.options).toMatchObject({ thresholds: { critical: 30 } })
    expect(await readFile(join(dir, 'credential-stuffing/monitor.json'), 'utf8')).toContain('> 10"')
  })

  test('an account with the numbers of prod differs from the files, but not from prod', async () => {
    await run('push', '--apply', '--profile', 'prod')
    expect((await run('diff', '--profile', 'prod')).code).toBe(0)
    const { code, out } = await run('diff')
    expect(code).toBe(1)
    expect(out).toContain('~ monitor   credential-stuffing')
  })

  test('an unknown profile is a usage error that names the known ones', async () => {
    await expect(run('push', '--profile', 'production')).rejects.toThrow(
      'Unknown profile "production". Known: demo, prod',
    )
  })
})

describe('lint', () => {
  test('prints file, place, fault and remedy, and exits with 1; it needs no account', async () => {
    env({ DD_API_KEY: undefined, DD_APP_KEY: undefined, DD_API_URL: undefined })
    const file = join(dir, 'session-reuse/monitor.json')
    await writeFile(file, (await readFile(file, 'utf8')).replace('"new_group_delay": 0,', ''))
    const { code, out, err } = await run('lint')
    expect(code).toBe(1)
    expect(out).toBe(
      `${file}: options.new_group_delay\n  is missing\n  set it to 0: otherwise Datadog ignores a new group for its first minute\n`,
    )
    expect(err).toBe('5 files, 1 finding.\n')
  })

  test('--json prints one document', async () => {
    const { code, out } = await run('lint', '--json')
    expect({ code, ...JSON.parse(out) }).toEqual({ code: 0, files: 5, findings: [] })
  })
})

describe('rules of Cloud SIEM', () => {
  beforeEach(async () => {
    for (const file of ['siem-webhook.json', ...slugs.map((slug) => `${slug}/siem.json`)])
      await cp(join(detections, file), join(dir, file))
  })
  const ruleOf = (slug: string) => [...api.rules.values()].find((rule) => tagsOf(rule).includes(`detection:${slug}`))

  test('are written as their files say, and a second run changes nothing', async () => {
    expect((await run('push', '--apply')).code).toBe(0)
    for (const slug of slugs) {
      const { tags, ...rule } = await json(`${slug}/siem.json`)
      expect(ruleOf(slug)).toMatchObject(rule)
      expect(ruleOf(slug)?.tags).toEqual([...tags].sort())
    }
    expect([...api.webhooks.values()]).toEqual([await json('webhook.json'), await json('siem-webhook.json')])
    const before = api.writes().length
    expect((await run('push', '--apply')).err).toContain('nothing to write')
    expect(api.writes().length).toBe(before)
  })

  test('are found behind a hundred rules of Datadog, and only the one that differs is written', async () => {
    for (let i = 0; i < 120; i++) {
      const own = { ...(await json('session-reuse/siem.json')), name: `Datadog's ${i}`, tags: ['source:aws'] }
      api.rules.set(`default-${i}`, { id: `default-${i}`, version: 1, isDefault: true, ...own })
    }
    await run('push', '--apply')
    Object.assign(ruleOf('session-reuse') ?? {}, { isEnabled: false })
    const before = api.writes().length
    const { out } = await run('push', '--apply')
    expect(out).toMatch(/~ rule +session-reuse \(rule-\d+\)\n +isEnabled\n +- false\n +\+ true\n/)
    expect(api.writes().slice(before)).toEqual([`PUT /api/v2/security_monitoring/rules/${ruleOf('session-reuse')?.id}`])
    expect(api.rules.size).toBe(122)
    expect(ruleOf('session-reuse')).toMatchObject({ isEnabled: true, version: 2 })
  })

  test('have the numbers of a profile', async () => {
    await run('push', '--apply', '--profile', 'prod')
    expect(ruleOf('credential-stuffing')?.cases).toMatchObject([{ condition: 'failed_requests > 30' }])
    expect(ruleOf('session-reuse')?.cases).toMatchObject([{ condition: 'devices > 1' }])
  })

  test.each([403, 404])(
    'are left out of an account that answers %d for them; everything else is written',
    async (status) => {
      api.answerNext({ status, like: /^GET .*security_monitoring/ })
      const { code, out } = await run('push', '--apply')
      expect(code).toBe(0)
      expect(out).toContain('note: the 2 rules of Cloud SIEM are left out')
      expect([api.monitors.size, api.rules.size, api.webhooks.size]).toEqual([2, 0, 1])
    },
  )

  test('that Datadog refuses stop the whole push, with its message', async () => {
    api.answerNext({ status: 400, like: /validation$/, body: { errors: ['keepAlive is not one of'] } })
    const { code, out } = await run('push', '--apply')
    expect(code).toBe(1)
    expect(out).toContain('keepAlive is not one of')
    expect(api.writes()).toEqual([])
  })

  test('with an unknown handle, or without their webhook, are a fault of the file', async () => {
    await change('siem-webhook.json', (webhook) => ({ ...webhook, name: 'other' }))
    await expect(run('push')).rejects.toThrow(
      'siem.json: @webhook-ato-contain-signal is not the name in siem-webhook.json',
    )
    await rm(join(dir, 'siem-webhook.json'))
    await expect(run('push')).rejects.toThrow('siem-webhook.json')
  })

  test('without our mark are a fault of the file', async () => {
    await change('session-reuse/siem.json', (rule) => ({ ...rule, tags: ['detection:session-reuse'] }))
    await expect(run('push')).rejects.toThrow('siem.json: the mark managed-by:mini-ato-saas is missing')
  })
})
