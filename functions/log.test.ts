import { afterEach, describe, expect, test, vi } from 'vitest'
import { type Receiver, startReceiver } from '../lab/datadog/testing/receiver.ts'
import { ConfigError, parseFunctionsConfig } from '../shared/config.ts'
import type { NewEvent } from '../shared/event.ts'
import { labEnv } from '../test/env.ts'
import { createFunctionsLog } from './log.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  for (const close of closers.splice(0).reverse()) await close()
})

const configOf = (change: Record<string, string>) => parseFunctionsConfig({ ...labEnv(), ...change })

function logTo(change: Record<string, string>) {
  const lines: Record<string, unknown>[] = []
  const stdout = { write: (line: string) => void lines.push(JSON.parse(line)) }
  const log = createFunctionsLog(configOf(change), stdout, { flushMs: 600_000 })
  closers.push(log.close)
  return { log, lines }
}

async function receiver(...answers: Parameters<typeof startReceiver>): Promise<Receiver> {
  const to = await startReceiver(...answers)
  closers.push(to.close)
  return to
}

const key = { DD_API_KEY: 'lab-0123456789abcdef0123456789abcdef' }
const request = {
  ip: '203.0.113.9',
  network: '203.0.113.9',
  user_agent: 'x',
  device_hash: '0'.repeat(32),
  via: 'api',
  request_id: '5b0b0f4e-8a0f-4c57-9a7e-0d6f1f3f3a10',
} as const
const session = { usr: { id: request.request_id }, sid: 'A'.repeat(22) }
const login: NewEvent = { ...request, evt: 'login', outcome: 'fail', reason: 'unknown_user' }
const seen: NewEvent = { ...request, ...session, evt: 'session', outcome: 'seen', reason: 'accepted' }

describe('the intake is off', () => {
  test('in the lab, whose lines have a way already, even with a site in the environment', async () => {
    const fetched = vi.spyOn(globalThis, 'fetch')
    const { log, lines } = logTo({ ...key, DD_SITE: 'datadoghq.eu' })
    log.emit(login)
    await log.close()
    expect(lines).toMatchObject([login])
    expect(fetched).not.toHaveBeenCalled()
  })

  test('without a key', async () => {
    const fetched = vi.spyOn(globalThis, 'fetch')
    const { log } = logTo({ DD_SITE: 'datadoghq.eu' })
    log.emit(login)
    await log.close()
    expect(fetched).not.toHaveBeenCalled()
  })
})

describe('the intake is on', () => {
  test('with a key and a site, at that site’s address', async () => {
    const fetched = vi.spyOn(globalThis, 'fetch').mockResolvedValue(new Response('{}', { status: 202 }))
    const config = { ...configOf(key), ATO_LAB: false, DD_SITE: 'us5.datadoghq.com' as const }
    const log = createFunctionsLog(config, { write: () => {} })
    log.emit(seen)
    await log.close()
    expect(fetched.mock.calls.map(([url]) => url)).toEqual(['https://http-intake.logs.us5.datadoghq.com/api/v2/logs'])
  })

  test('and stdout still has every line, before anything is sent', async () => {
    const to = await receiver('hang')
    const { log, lines } = logTo({ ...key, DD_LOGS_URL: to.url })
    log.emit(login)
    log.warn('a warning')
    log.error(new Error('a fault'), 'a fault')
    expect(lines.map(({ level }) => level)).toEqual(['info', 'warn', 'error'])
    expect(to.requests).toEqual([])
  })

  test.each<[string, NewEvent]>([
    ['a sign-in', login],
    ['a second factor', { ...request, evt: 'mfa', outcome: 'fail', reason: 'wrong_code' }],
    ['a forked session', { ...request, ...session, evt: 'session', outcome: 'fork' }],
    [
      'a changed credential',
      { ...request, evt: 'credential', outcome: 'success', action: 'password_changed', usr: session.usr },
    ],
    [
      'a containment',
      {
        evt: 'contain',
        outcome: 'success',
        action: 'block_ip',
        detection: 'credential-stuffing',
        containment_id: 'c',
        via: 'direct',
        request_id: request.request_id,
      },
    ],
  ])('%s does not wait for the interval', async (_, event) => {
    const to = await receiver()
    const { log } = logTo({ ...key, DD_LOGS_URL: to.url })
    log.emit(event)
    await to.received(1)
  })

  test('a session that was seen does', async () => {
    const to = await receiver()
    const { log } = logTo({ ...key, DD_LOGS_URL: to.url })
    log.emit(seen)
    await fetch(to.url)
    expect(to.requests.map(({ method }) => method)).toEqual(['GET'])
    await log.close()
    expect(to.requests.map(({ method }) => method)).toEqual(['GET', 'POST'])
  })

  test('lines that the intake lost are reported on stdout, with their number, and not sent to it', async () => {
    const to = await receiver(403)
    const { log, lines } = logTo({ ...key, DD_LOGS_URL: to.url })
    log.emit(seen)
    log.emit(seen)
    await log.close()
    expect(lines.at(-1)).toMatchObject({
      level: 'warn',
      message: 'log lines did not reach the intake',
      lines: 2,
      reason: 'the intake answered 403',
    })
    expect(to.requests).toHaveLength(1)
  })
})

describe('half a destination is a fault of the configuration', () => {
  const faultOf = (change: Record<string, string>) => {
    try {
      configOf(change)
    } catch (error) {
      if (error instanceof ConfigError) return error.message
    }
    return ''
  }
  const production = { ATO_LAB: '0', ...key }

  test('a key outside the lab needs a destination', () => {
    expect(faultOf(production)).toContain('DD_SITE: is missing, and DD_API_KEY is set')
    expect(faultOf({ ...production, DD_SITE: 'datadoghq.eu' })).not.toContain('DD_SITE')
  })

  test('an address needs a key, and is this machine’s in the lab and https elsewhere', () => {
    const http = 'http://logs.example.com/api/v2/logs'
    expect(faultOf({ DD_LOGS_URL: 'http://127.0.0.1:1/' })).toContain('DD_LOGS_URL: needs DD_API_KEY')
    expect(faultOf({ ...key, DD_LOGS_URL: http })).toContain('DD_LOGS_URL: must be a loopback origin')
    expect(faultOf({ ...production, DD_LOGS_URL: http })).toContain('DD_LOGS_URL: must be https outside the lab')
  })

  test('the lab’s key is refused outside the lab', () => {
    expect(faultOf({ ...production, DD_SITE: 'datadoghq.eu' })).toContain('DD_API_KEY: is a lab secret')
  })
})
