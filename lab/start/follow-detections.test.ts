import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Alert } from 'alertproof/notify'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Datadog, startDatadog } from '../datadog/server.ts'
import { type Receiver, startReceiver } from '../datadog/testing/receiver.ts'
import { DetectionFiles } from './detections.ts'
import { followDetections } from './follow-detections.ts'

let dir: string
let closers: (() => unknown)[]
beforeEach(async () => {
  dir = join(await mkdtemp(join(tmpdir(), 'ato follow ')), 'detections')
  closers = [() => rm(join(dir, '..'), { recursive: true, force: true })]
})
afterEach(async () => {
  for (const close of closers.reverse()) await close()
})

const monitor = (threshold: number, more: object = {}): string =>
  JSON.stringify({
    name: 'Failures',
    type: 'log alert',
    query: `logs("@evt:login @outcome:fail").index("*").rollup("count").by("@ip").last("5m") > ${threshold}`,
    message: '{{#is_alert}}@webhook-ato{{/is_alert}}',
    options: { thresholds: { critical: threshold }, new_group_delay: 0, on_missing_data: 'resolve' },
    ...more,
  })
const rule = (condition: string): string =>
  JSON.stringify({
    name: 'Failures',
    type: 'log_detection',
    isEnabled: true,
    message: 'Many',
    queries: [{ name: 'failed', query: '@evt:login', aggregation: 'count', groupByFields: ['@ip'] }],
    cases: [{ name: 'many', status: 'high', condition, notifications: ['@webhook-siem'] }],
    options: { detectionMethod: 'threshold', evaluationWindow: 300, keepAlive: 300, maxSignalDuration: 3600 },
  })
const webhook = (name: string, payload: string): string =>
  JSON.stringify({ name, url: '$RECEIVER/api/contain', payload })
const pipeline = (target: string): string =>
  JSON.stringify({
    name: 'Names',
    is_enabled: true,
    filter: { query: '*' },
    processors: [
      {
        type: 'attribute-remapper',
        is_enabled: true,
        sources: ['address'],
        source_type: 'attribute',
        target,
        target_type: 'attribute',
        preserve_source: true,
        override_on_conflict: false,
      },
    ],
  })

const write = (path: string, text: string) => writeFile(join(dir, path), text)

async function add(slug: string, text: string, file = 'monitor.json'): Promise<void> {
  await mkdir(join(dir, slug), { recursive: true })
  await write(join(slug, file), text)
}

/** Writes beside the file and renames, as many editors do. */
async function replace(path: string, text: string): Promise<void> {
  await write(`${path}.new`, text)
  await rename(join(dir, `${path}.new`), join(dir, path))
}

interface Lab {
  datadog: Datadog
  receiver: Receiver
  /** Every line so far. */
  lines: string[]
  /** Resolves once a line that was not awaited before contains the text. */
  line(text: string): Promise<string>
  fail(count: number, ip?: string): Promise<unknown>
  alerts(): { monitor: string; transition: string; value: number }[]
  nextAlert(): Promise<Alert>
}

async function start(): Promise<Lab> {
  const files = await DetectionFiles.open(dir)
  const receiver = await startReceiver()
  const datadog = await startDatadog({
    ...files.content,
    port: 0,
    apiKey: 'lab-key',
    variables: { RECEIVER: receiver.url },
  })
  const lines: string[] = []
  let seen = 0
  let told = () => {}
  const watch = await followDetections(files, datadog, (line) => {
    lines.push(line)
    told()
  })
  closers.push(receiver.close, datadog.close, watch.close)
  return {
    datadog,
    receiver,
    lines,
    async line(text) {
      for (;;) {
        const found = lines.findIndex((each, i) => i >= seen && each.includes(text))
        if (found >= 0) {
          seen = found + 1
          return lines[found] ?? ''
        }
        await new Promise<void>((resolve) => {
          told = resolve
        })
      }
    },
    fail: (count, ip = '203.0.113.9') =>
      fetch(datadog.intakeUrl, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'DD-API-KEY': 'lab-key' },
        body: JSON.stringify(
          Array.from({ length: count }, () => ({
            message: JSON.stringify({ timestamp: new Date().toISOString(), evt: 'login', outcome: 'fail', ip }),
          })),
        ),
      }),
    alerts: () =>
      datadog.alerts.list().map(({ monitor: slug, transition, value }) => ({ monitor: slug, transition, value })),
    nextAlert: () =>
      new Promise((resolve) => {
        const unsubscribe = datadog.subscribe((event) => {
          if (event.kind !== 'alert') return
          unsubscribe()
          resolve(event.alert)
        })
      }),
  }
}

async function startWith(threshold: number): Promise<Lab> {
  await add('failures', monitor(threshold))
  await write('webhook.json', webhook('ato', 'first'))
  return start()
}

test('an edit from 10 to 3 takes effect on what is in the window, and is told', async () => {
  const lab = await startWith(10)
  await lab.fail(5)
  expect(lab.alerts()).toEqual([])
  const alert = lab.nextAlert()
  await write('failures/monitor.json', monitor(3))
  expect(await alert).toMatchObject({ monitor: 'failures', transition: 'Triggered', value: 5 })
  expect(await lab.line('failures/monitor.json')).toMatch(
    /was read anew: it starts again, over the logs of its window\.$/,
  )
  const shown = await (await fetch(`${lab.datadog.url}/lab/monitors`)).json()
  expect(shown).toMatchObject({
    monitors: [{ monitor: 'failures', query: expect.stringMatching(/ > 3$/), state: 'Alert' }],
  })
})

test('broken JSON is refused with its place, the one before still alerts, and the mended file is accepted', async () => {
  const lab = await startWith(3)
  await write('failures/monitor.json', monitor(3).replace('{"name"', '{"name" oops'))
  const refused = await lab.line('Refused')
  expect(refused).toMatch(/failures\/monitor\.json: 1:\d+: /)
  expect(refused).toContain('The lab goes on with the one before.')
  await lab.fail(4)
  expect(lab.alerts()).toEqual([{ monitor: 'failures', transition: 'Triggered', value: 4 }])
  await write('failures/monitor.json', monitor(2))
  expect(await lab.line('failures/monitor.json')).toContain('it starts again')
})

test.each([
  ['a query', { query: 'logs("@evt:login" > 3' }, /monitor\.json: query:\d+: /],
  ['an option', { options: { thresholds: { critical: 4 } } }, /monitor\.json: options\.thresholds\.critical: /],
  ['a message', { message: '{{#is_alert}}' }, /monitor\.json: message, position 0: /],
])('a fault in %s is refused by its place', async (_, more, place) => {
  const lab = await startWith(3)
  await write('failures/monitor.json', monitor(3, more))
  expect(await lab.line('Refused')).toMatch(place)
  await lab.fail(4)
  expect(lab.alerts()).toHaveLength(1)
})

test('a file that is replaced by rename is read anew, each time', async () => {
  const lab = await startWith(10)
  for (const threshold of [9, 8, 7]) {
    await replace('failures/monitor.json', monitor(threshold))
    await lab.line('was read anew')
    expect(await queryOf(lab)).toMatch(new RegExp(` > ${threshold}$`))
  }
})

async function queryOf({ datadog }: Lab): Promise<string> {
  const { monitors } = (await (await fetch(`${datadog.url}/lab/monitors`)).json()) as { monitors: { query: string }[] }
  return monitors[0]?.query ?? ''
}

test('a file that cannot be read is refused by itself, and the others are read', async () => {
  await add('other', monitor(10))
  const lab = await startWith(10)
  await rm(join(dir, 'other/monitor.json'))
  await mkdir(join(dir, 'other/monitor.json'))
  expect(await lab.line('Refused')).toContain('other/monitor.json: cannot be read (EISDIR)')
  await write('failures/monitor.json', monitor(3))
  expect(await lab.line('failures')).toContain('it starts again')
  await lab.fail(11)
  expect(
    lab
      .alerts()
      .map(({ monitor: slug }) => slug)
      .sort(),
  ).toEqual(['failures', 'other'])
})

test('several edits at once: each file is accepted or refused by itself', async () => {
  await add('other', monitor(10))
  await add('third', monitor(10))
  const lab = await startWith(10)
  await Promise.all([
    replace('failures/monitor.json', monitor(3)),
    write('other/monitor.json', '{'),
    add('fourth', monitor(4)),
    rm(join(dir, 'third'), { recursive: true }),
  ])
  await lab.line('fourth')
  for (const fact of [/failures.*read anew/, /Refused: .*other/, /third.*deleted/, /fourth.*read anew/]) {
    await expect.poll(() => lab.lines.join('\n')).toMatch(fact)
  }
  await lab.fail(11)
  const triggered = lab.alerts().map(({ monitor: slug }) => slug)
  expect(triggered.sort()).toEqual(['failures', 'fourth', 'other'])
})

test('an edited name keeps the open alert and its cycle; a deleted folder ends its groups', async () => {
  await add('other', monitor(10))
  const lab = await startWith(3)
  await lab.fail(4)
  await write('failures/monitor.json', monitor(3, { name: 'Renamed' }))
  expect(await lab.line('failures')).toContain('it is evaluated as before and keeps its alerts')
  expect(lab.datadog.alerts.groups('failures')).toHaveLength(1)
  await rm(join(dir, 'failures'), { recursive: true })
  expect(await lab.line('failures')).toContain('was deleted: its groups and alerts have ended')
  expect(lab.datadog.alerts.groups('failures')).toEqual([])
  await lab.fail(8)
  expect(lab.alerts().map(({ monitor: slug }) => slug)).toEqual(['failures', 'other'])
})

test('a folder of detections that is emptied, or replaced as a whole, is no reason to stop', async () => {
  const lab = await startWith(3)
  await rename(dir, `${dir}-old`)
  expect(await lab.line('Refused')).toContain('holds no monitor.json')
  await lab.fail(4)
  expect(lab.alerts()).toHaveLength(1)
  await mkdir(`${dir}-next/failures`, { recursive: true })
  await writeFile(`${dir}-next/failures/monitor.json`, monitor(20))
  await writeFile(`${dir}-next/webhook.json`, webhook('ato', 'first'))
  await rename(`${dir}-next`, dir)
  expect(await lab.line('failures')).toContain('was read anew')
  await replace('failures/monitor.json', monitor(2))
  expect(await lab.line('failures')).toContain('was read anew')
})

test('an edited webhook is used by the next delivery; without it the old one stays', async () => {
  const lab = await startWith(3)
  await write('webhook.json', webhook('ato', 'second'))
  expect(await lab.line('webhook.json')).toMatch(/was read anew\.$/)
  await lab.fail(4)
  expect((await lab.receiver.received(1))[0]?.body).toBe('second')
  await rm(join(dir, 'webhook.json'))
  expect(await lab.line('Refused')).toMatch(/webhook\.json: is missing/)
  await lab.fail(4, '203.0.113.8')
  expect((await lab.receiver.received(2))[1]?.body).toBe('second')
  await write('webhook.json', webhook('ato', 'second'))
  expect(await lab.line('webhook.json')).toContain('is again as it was read last')
})

test('an edited pipeline processes the next logs, a broken one does not', async () => {
  await add('failures', monitor(3))
  await write('webhook.json', webhook('ato', 'first'))
  await write('pipeline.json', pipeline('nothing'))
  const lab = await start()
  const send = () =>
    fetch(lab.datadog.intakeUrl, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'DD-API-KEY': 'lab-key' },
      body: JSON.stringify(
        Array.from({ length: 4 }, () => ({ message: '{"evt":"login","outcome":"fail","address":"203.0.113.7"}' })),
      ),
    })
  await send()
  expect(lab.alerts()).toEqual([])
  await write('pipeline.json', pipeline('ip'))
  await lab.line('pipeline.json')
  await write('pipeline.json', pipeline('ip').replace('attribute-remapper', 'magic'))
  expect(await lab.line('Refused')).toMatch(/pipeline\.json: processors/)
  await send()
  expect(lab.alerts()).toMatchObject([{ monitor: 'failures', value: 4 }])
})

test('an edited rule of Cloud SIEM counts what is in its window, at the next event; its webhook is read anew too', async () => {
  await add('failures', rule('failed > 9'), 'siem.json')
  await write('siem-webhook.json', webhook('siem', 'first'))
  const lab = await startWith(50)
  await lab.fail(5)
  await Promise.all([
    add('failures', rule('failed > 3'), 'siem.json'),
    replace('siem-webhook.json', webhook('siem', 'second')),
  ])
  await lab.line('siem-webhook.json')
  await expect.poll(() => lab.lines.join('\n')).toMatch(/failures\/siem\.json was read anew: it starts again/)
  expect(lab.datadog.signals.list()).toEqual([])
  await lab.fail(1)
  expect(lab.datadog.signals.list()).toMatchObject([{ rule: 'failures', transition: 'Triggered', value: 6 }])
  expect((await lab.receiver.received(1))[0]?.body).toBe('second')
  await rm(join(dir, 'failures/siem.json'))
  expect(await lab.line('failures/siem.json')).toContain('was deleted')
  expect(lab.datadog.signals.open('failures')).toEqual([])
})

test('after the stop nothing is read any more, and no folder is watched', async () => {
  const watched = () => process.getActiveResourcesInfo().filter((name) => name === 'FSEventWrap').length
  const before = watched()
  const lab = await startWith(3)
  await write('failures/monitor.json', monitor(4))
  await lab.line('was read anew')
  expect(watched()).toBeGreaterThan(before)
  // An edit that is noticed and not yet read.
  await write('failures/monitor.json', monitor(5))
  await closers.pop()?.()
  // The system closes a watch in its next turn.
  await expect.poll(watched).toBe(before)
  expect(lab.lines).toHaveLength(1)
  expect(await queryOf(lab)).toMatch(/ > 4$/)
})

test('what cannot be read at the start is refused, all of it', async () => {
  await add('failures', '{')
  await add('other', monitor(3, { query: 'x' }))
  await write('webhook.json', '{}')
  await expect(DetectionFiles.open(dir)).rejects.toThrow(/failures\/monitor\.json: .*\n.*other\/monitor\.json: query/)
  await add('failures', monitor(3))
  await add('other', monitor(3, { message: '{{#is_alert}}' }))
  await expect(DetectionFiles.open(dir)).rejects.toThrow(
    /other\/monitor\.json: message.*\n.*webhook\.json is not a webhook/,
  )
  await rm(join(dir, 'webhook.json'))
  await expect(DetectionFiles.open(dir)).rejects.toThrow('webhook.json: is missing')
})

test.skipIf(process.platform === 'win32')(
  'a pipe, a device and a huge file are refused, each by itself, and the lab goes on',
  async () => {
    const lab = await startWith(3)
    const place = (slug: string) => join(dir, slug, 'monitor.json')
    for (const slug of ['device', 'huge', 'loop', 'pipe']) await mkdir(join(dir, slug))
    await symlink('/dev/zero', place('device'))
    await symlink(place('loop'), place('loop'))
    await writeFile(place('huge'), '{}')
    await truncate(place('huge'), 100 * 1024 * 1024)
    execFileSync('mkfifo', [place('pipe')])
    expect(await lab.line('device/monitor.json')).toContain('is no regular file')
    expect(await lab.line('huge/monitor.json')).toContain('is larger than 1048576 bytes')
    expect(await lab.line('pipe/monitor.json')).toContain('is no regular file')
    expect(lab.lines.some((line) => line.includes('loop/monitor.json'))).toBe(true)
    await write('failures/monitor.json', monitor(2))
    expect(await lab.line('failures/monitor.json')).toContain('it starts again')
    await lab.fail(3)
    expect(lab.alerts()).toEqual([{ monitor: 'failures', transition: 'Triggered', value: 3 }])
  },
)
