import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { requestFields } from './client/event.ts'
import { EVENTS, Event, eventFields } from './event.ts'
import { createLog } from './log.ts'
import { unchecked } from './unchecked.ts'

const written = (write: (log: ReturnType<typeof createLog>) => void): string[] => {
  const lines: string[] = []
  write(createLog({ service: 'mini-ato-saas', env: 'prod' }, { write: (line: string) => void lines.push(line) }))
  return lines
}
const request = {
  ip: '203.0.113.9',
  network: '203.0.113.9',
  user_agent: 'curl/8',
  device_hash: '0'.repeat(32),
  via: 'api' as const,
  request_id: randomUUID(),
}
const failed = { ...request, evt: 'login', outcome: 'fail', reason: 'wrong_password', usr: { exists: true } } as const

describe('an event', () => {
  it('is one line of JSON that the contract reads back', () => {
    const [line = '', ...rest] = written((log) => log.emit({ ...failed, email: 'a@example.com' }))
    expect(rest).toEqual([])
    expect(Event.parse(JSON.parse(line))).toMatchObject({
      ...failed,
      service: 'mini-ato-saas',
      env: 'prod',
      level: 'info',
    })
  })

  it.each(['\r\n{"evt":"login"}', '\u001b[31m', '"quoted"', '\u2028', '😀'.repeat(200), 'x'.repeat(10_000), '\ud800'])(
    'stays one line of at most 4 KiB whatever the user agent is: %j',
    (user_agent) => {
      const lines = written((log) => log.emit({ ...failed, user_agent }))
      expect(lines).toHaveLength(1)
      expect(lines[0]?.trimEnd()).not.toMatch(/[\r\n]/)
      expect(Buffer.byteLength(lines[0] ?? '')).toBeLessThanOrEqual(4096)
      expect(JSON.parse(lines[0] ?? '').user_agent.length).toBeLessThanOrEqual(256)
    },
  )

  it.each([
    ['a field too many', { ...failed, password: 'x' }],
    ['free text for an email', { ...failed, email: 'my password' }],
    ['a reason of another event', { ...failed, reason: 'wrong_code' }],
    ['the network of another address', { ...failed, network: '198.51.100.7' }],
    ['no network', { ...failed, network: undefined }],
    ['an IPv6 address as its network', { ...failed, ip: '2001:db8::9', network: '2001:db8::9' }],
    ['a sid on a failed login', { ...failed, sid: 'A'.repeat(22) }],
  ])('with %s is against the contract', (_, event) => {
    const [line = ''] = written((log) => log.emit(unchecked(event)))
    expect(Event.safeParse(JSON.parse(line)).success).toBe(false)
  })

  it('has no key with another meaning in Datadog', () => {
    for (const schema of Object.values(EVENTS)) {
      for (const key of ['status', 'host', 'source', 'message']) expect(schema.shape).not.toHaveProperty(key)
    }
  })

  it('names its fields as a monitor does', () => {
    expect([...eventFields]).toEqual(expect.arrayContaining(['evt', 'outcome', 'usr.id', 'usr.exists', 'sid', 'ip']))
    expect(eventFields.has('usr')).toBe(false)
  })
})

describe('the network of an event', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['::', '0:0:0:0::/64'],
  ])('of %s is %s', (ip, network) => {
    const client = { ip, userAgent: 'curl/8', hints: {}, via: 'api' as const, requestId: randomUUID() }
    const event = { ...failed, ...requestFields(client, '0'.repeat(32)) }
    expect(event).toMatchObject({ ip, network })
    const [line = ''] = written((log) => log.emit(event))
    expect(Event.safeParse(JSON.parse(line)).error?.issues).toBeUndefined()
  })
})

describe('a fault', () => {
  it('is logged with its causes, without the connection string', () => {
    const cause = new Error('connect postgres://user:hunter2@db/app AccountKey=hunter2==; refused')
    const [line = ''] = written((log) =>
      log.error(new Error('no store', { cause }), 'a request failed', { instance: 'x' }),
    )
    expect(JSON.parse(line)).toMatchObject({ level: 'error', message: 'a request failed', instance: 'x' })
    expect(line).toContain('no store <- connect postgres://[redacted]@db/app')
    expect(line).not.toContain('hunter2')
    expect(line.trimEnd()).not.toContain('\n')
  })
})
