import { afterEach, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { type Datadog, startDatadog } from '../lab/datadog/server.ts'
import { type Answer, type Receiver, startReceiver } from '../lab/datadog/testing/receiver.ts'
import { Secret } from '../shared/secret.ts'
import { type LogIntake, type LogIntakeOptions, openLogIntake } from './log-intake.ts'

const API_KEY = 'an-api-key'
const NEVER_MS = 600_000

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

interface Opened {
  intake: LogIntake
  lost: [lines: number, reason: string][]
}

/** Its interval never comes: only whoever hurries, or closes, makes it send. */
function open(url: string, options: Partial<LogIntakeOptions> = {}): Opened {
  const lost: Opened['lost'] = []
  const intake = openLogIntake({
    url,
    apiKey: new Secret(API_KEY),
    service: 'mini-ato-saas',
    env: 'prod',
    flushMs: NEVER_MS,
    reportMs: NEVER_MS,
    retryDelaysMs: [1, 1],
    lost: (lines, reason) => lost.push([lines, reason]),
    ...options,
  })
  closers.push(() => intake.close())
  return { intake, lost }
}

const Counters = z.record(z.string(), z.unknown())
const Logs = z.object({ logs: z.array(z.looseObject({ message: z.string().optional() })) })
const jsonOf = async (url: string) => (await fetch(url)).json()

async function standIn(): Promise<Datadog & { counters(): Promise<Record<string, unknown>> }> {
  const datadog = await startDatadog({ port: 0, apiKey: API_KEY, monitors: [], webhooks: [], variables: {} })
  closers.push(() => datadog.close())
  const counters = async () => Counters.parse(await jsonOf(`${datadog.url}/lab/health`))
  return { ...datadog, counters }
}

async function receiver(...answers: Answer[]): Promise<Receiver> {
  const to = await startReceiver(...answers)
  closers.push(() => to.close())
  return to
}

describe('what arrives', () => {
  test('is the line, as the monitors search for it', async () => {
    const datadog = await standIn()
    const { intake, lost } = open(datadog.intakeUrl)
    intake.write('{"evt":"login","outcome":"fail","service":"mini-ato-saas","email":"zoë@example.test"}\n')
    await intake.close()
    const query = encodeURIComponent('service:mini-ato-saas env:prod source:azure @evt:login @outcome:fail')
    const { logs } = Logs.parse(await jsonOf(`${datadog.url}/lab/logs?query=${query}`))
    expect(logs).toHaveLength(1)
    expect(JSON.stringify(logs)).toContain('zoë@example.test')
    expect(lost).toEqual([])
  })

  test('is compressed, and carries the key in a header', async () => {
    const to = await receiver()
    const { intake } = open(to.url)
    intake.write('a\n')
    await intake.close()
    const [request] = to.requests
    expect(request?.headers).toMatchObject({ 'content-encoding': 'gzip', 'dd-api-key': API_KEY })
    expect(request?.url).not.toContain(API_KEY)
  })

  test('is split at the limits of the intake, without any loss', async () => {
    const datadog = await standIn()
    const { intake, lost } = open(datadog.intakeUrl)
    for (let n = 0; n < 2001; n++) intake.write(`${n}`)
    for (let n = 0; n < 12; n++) intake.write('ë'.repeat(250_000))
    await intake.close()
    expect(await datadog.counters()).toMatchObject({ logs: 2013, refused_requests: 0 })
    expect(lost).toEqual([])
  })
})

describe('when it leaves', () => {
  test('after the interval', async () => {
    const to = await receiver()
    const { intake } = open(to.url, { flushMs: 1 })
    intake.write('a')
    await to.received(1)
    intake.write('b')
    await to.received(2)
  })

  test('at once after `hurry`, together with the lines of the same turn', async () => {
    const to = await receiver()
    const { intake } = open(to.url)
    intake.write('a')
    intake.hurry()
    intake.write('b')
    intake.hurry()
    await to.received(1)
    await intake.close()
    expect(to.requests).toHaveLength(1)
  })

  test('at once when a thousand lines wait', async () => {
    const to = await receiver()
    const { intake } = open(to.url)
    for (let n = 0; n < 1000; n++) intake.write('a')
    await to.received(1)
  })

  test('lines during a request are sent after it', async () => {
    const to = await receiver()
    const { intake } = open(to.url)
    intake.write('a')
    intake.hurry()
    await to.received(1)
    for (let n = 0; n < 3; n++) intake.write('b')
    intake.hurry()
    await to.received(2)
  })

  test('all waiting lines at the end; and nothing after the end', async () => {
    const to = await receiver()
    const { intake, lost } = open(to.url)
    intake.write('a')
    await Promise.all([intake.close(), intake.close()])
    intake.write('b')
    intake.hurry()
    await intake.close()
    expect(to.requests).toHaveLength(1)
    expect(lost).toEqual([])
  })
})

describe('an intake that does not take it', () => {
  test.each<[Answer]>([[408], [429], [500], [503], ['drop']])('after %s it is tried again', async (answer) => {
    const to = await receiver(answer, answer)
    const { intake, lost } = open(to.url)
    intake.write('a')
    await intake.close()
    expect(to.requests).toHaveLength(3)
    expect(lost).toEqual([])
  })

  test('is not tried forever', async () => {
    const to = await receiver(429, 429, 429)
    const { intake, lost } = open(to.url)
    intake.write('a')
    intake.write('b')
    await intake.close()
    expect(to.requests).toHaveLength(3)
    expect(lost).toEqual([[2, 'the intake answered 429']])
  })

  test.each([[400], [401], [403], [413]])('%s is final', async (status) => {
    const to = await receiver(status)
    const { intake, lost } = open(to.url)
    intake.write('a')
    await intake.close()
    expect(to.requests).toHaveLength(1)
    expect(lost).toEqual([[1, `the intake answered ${status}`]])
  })

  test('is down: nothing throws, and the losses are counted', async () => {
    const gone = await startReceiver()
    await gone.close()
    const { intake, lost } = open(gone.url)
    for (let n = 0; n < 7; n++) intake.write('a')
    await intake.close()
    expect(lost).toEqual([[7, 'the intake did not answer']])
  })

  test('is silent: the request is given up in time, and tried again', async () => {
    const to = await receiver('hang')
    const { intake, lost } = open(to.url, { timeoutMs: 20 })
    intake.write('a')
    await intake.close()
    expect(to.requests).toHaveLength(2)
    expect(lost).toEqual([])
  })

  test('works again: later lines arrive', async () => {
    const to = await receiver(403)
    const { intake, lost } = open(to.url, { flushMs: 1, reportMs: 1 })
    intake.write('a')
    await to.received(1)
    intake.write('b')
    await to.received(2)
    await intake.close()
    expect(lost).toEqual([[1, 'the intake answered 403']])
  })

  test('does not hold up the end', async () => {
    const to = await receiver('hang', 'hang', 'hang')
    const { intake, lost } = open(to.url, { closeWithinMs: 30 })
    for (let n = 0; n < 1003; n++) intake.write('a')
    await intake.close()
    expect(lost).toEqual([[1003, 'the process ends']])
  })
})

describe('the queue', () => {
  test.each<[string, Partial<LogIntakeOptions>]>([
    ['lines', { queueLines: 5 }],
    [
      'bytes',
      {
        queueBytes:
          5 *
          JSON.stringify({
            message: 'new',
            ddsource: 'azure',
            ddtags: 'env:prod',
            service: 'mini-ato-saas',
            hostname: 'functions',
          }).length,
      },
    ],
  ])('keeps a limited number of %s, and loses the oldest', async (_, bound) => {
    const datadog = await standIn()
    const { intake, lost } = open(datadog.intakeUrl, bound)
    for (const line of ['old', 'old', 'old', 'new', 'new', 'new', 'new', 'new']) intake.write(line)
    await intake.close()
    expect(lost).toEqual([[3, 'the queue is full']])
    const { logs } = Logs.parse(await jsonOf(`${datadog.url}/lab/logs`))
    expect(logs.map(({ message }) => message)).toEqual(Array(5).fill('new'))
  })

  test('losses with one reason are reported once, as their sum', async () => {
    const to = await receiver(403, 403)
    const { intake, lost } = open(to.url)
    for (let n = 0; n < 1500; n++) intake.write('a')
    await intake.close()
    expect(lost).toEqual([[1500, 'the intake answered 403']])
  })
})
