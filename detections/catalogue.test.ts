import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { describe, expect, test } from 'vitest'
import { addressFields } from '../shared/client/address.ts'
import { policyFor } from '../shared/containment/policy.ts'
import { Event, eventFields } from '../shared/event.ts'
import { newRequestId, numbered } from './events.ts'
import { loadDetections, modes, runCase, after as timestampAt } from './harness.ts'

const here = import.meta.dirname
const detections = await loadDetections(here)

/** Events that need neither password nor session: whoever causes them may at most lose an address, never sign a victim out. */
const unauthenticated = /@evt:\(?[^)]*\b(login|register|call|webhook)\b|@outcome:invalid/
const risks = ['new_device', 'after_failures', 'spray', 'travel', 'canary'] as const
/**
 * Attempts at which no password was looked at, by no doing of who sent them, and those of a network that is dealt with: many of
 * each, with every verdict that there is, from one network and from many, at one login and at many.
 */
const unlooked = (['blocked', 'busy'] as const).flatMap((reason) =>
  Array.from({ length: 400 }, (_, i): Event => {
    const request = {
      ...{ timestamp: timestampAt(i), level: 'warn' as const, service: 'mini-ato-saas', env: 'prod' },
      ...addressFields(numbered.ip(i % 2 === 0 ? 0 : i)),
      ...{ user_agent: 'x', device_hash: numbered.hash(i), via: 'web' as const, request_id: newRequestId() },
      login_hash: numbered.hash(i % 3 === 0 ? 0 : i),
    }
    const risk = [...risks]
    if (i % 4 === 0) return { ...request, risk, evt: 'register', outcome: 'fail', reason }
    if (i % 4 === 1 && reason === 'busy') {
      const session = { usr: { id: numbered.uuid(0) }, sid: numbered.sid(0) }
      return { ...request, risk, ...session, evt: 'credential', outcome: 'fail', action: 'reauthenticated', reason }
    }
    return { ...request, risk, evt: 'login', outcome: 'fail', reason }
  }),
)
const fieldsIn = (query: string) => [...query.matchAll(/@([A-Za-z_][\w.]*)/g)].map(([, field]) => field ?? '')
const tagOf = (tags: readonly string[], key: string) =>
  tags.filter((tag) => tag.startsWith(`${key}:`)).map((tag) => tag.slice(key.length + 1))

test('no two detections share a runbook', () => {
  const runbooks = detections.flatMap(({ monitor }) => tagOf(monitor.tags, 'runbook'))
  expect(new Set(runbooks).size).toBe(detections.length)
})

describe.each(detections)('$monitor.slug', ({ monitor, cases }) => {
  test('folder, tag, runbook and containment agree', () => {
    const policy = policyFor(monitor.slug)
    const [runbook] = tagOf(monitor.tags, 'runbook')
    expect(tagOf(monitor.tags, 'detection')).toEqual([monitor.slug])
    expect(tagOf(monitor.tags, 'contain')).toEqual([policy?.contain])
    expect(monitor.parsed.by.map(({ name }) => name)).toEqual(policy?.groupBy)
    expect(runbook).toMatch(/^ATO-\d{3}$/)
    expect(monitor.message).toContain(`runbooks/${runbook}-${monitor.slug}.md`)
    expect(tagOf(monitor.tags, 'tactic')).not.toEqual([])
    for (const technique of tagOf(monitor.tags, 'technique')) expect(technique).toMatch(/^T\d{4}(\.\d{3})?$/)
  })

  test('every field of the query is one that the app logs', () => {
    const fields = fieldsIn(monitor.query)
    expect(fields.length).toBeGreaterThan(1)
    expect(fields.filter((field) => !eventFields.has(field))).toEqual([])
  })

  test('what an unauthenticated caller can cause contains by address or not at all', () => {
    if (unauthenticated.test(monitor.query)) expect(['ip', 'none']).toContain(tagOf(monitor.tags, 'contain')[0])
    expect(fieldsIn(monitor.query)).not.toContain('run_id')
    expect(fieldsIn(monitor.query)).not.toContain('rum_session_id')
    expect(fieldsIn(monitor.query)).not.toContain('user_agent')
  })

  test.runIf(monitor.parsed.operator.startsWith('>'))(
    'it counts nothing that a block refused or a full queue turned away',
    () => {
      for (const event of unlooked) expect(Event.safeParse(event).error?.issues ?? []).toEqual([])
      expect(runCase(monitor, { name: '', events: unlooked, fires: false }, 'arrival').faults).toEqual([])
    },
  )

  test('a line that the drain delivers twice counts once, wherever twice is more than once', () => {
    const { rollup, threshold, operator } = monitor.parsed
    if (operator.startsWith('>') && threshold > 0) expect(rollup.kind).toBe('cardinality')
  })

  test('it uses nothing that Datadog leaves undocumented, and leaves nothing to a default that blinds', () => {
    expect(monitor.parsed.undocumented).toEqual([])
    expect(monitor.options).toEqual({
      thresholds: { critical: monitor.parsed.threshold },
      new_group_delay: 0,
      // Silence is what a monitor that asks for less is there to tell.
      on_missing_data: monitor.parsed.operator.startsWith('<') ? 'default' : 'resolve',
      include_tags: true,
      enable_logs_sample: true,
      notify_audit: false,
      // A block of a quarter of an hour is renewed for as long as its alert lasts.
      ...(policyFor(monitor.slug)?.action === 'block_ip'
        ? { renotify_interval: 10, renotify_statuses: ['alert'] }
        : { renotify_interval: 0 }),
    })
  })

  test('both the alert and its recovery reach the containment webhook', () => {
    for (const condition of ['is_alert', 'is_recovery']) {
      expect(monitor.message).toMatch(new RegExp(`{{#${condition}}}\\s@webhook-ato-contain\\s{{/${condition}}}`))
    }
  })

  test('its cases hold on both sides: some fire, some do not', () => {
    expect(cases.some(({ fires }) => fires)).toBe(true)
    expect(cases.some(({ fires }) => !fires)).toBe(true)
  })

  test.each(cases.filter((each) => !each.outsideContract))(
    'the events of "$name" are events of the app',
    ({ events }) => {
      for (const event of events) expect(Event.safeParse(event).error?.issues ?? []).toEqual([])
    },
  )

  describe.each(cases)('$name', (each) => {
    test.each(modes)('in %s mode', (mode) => {
      expect(runCase(monitor, each, mode).faults).toEqual([])
    })
  })
})

test('the webhook sends identifiers only, each as a JSON string, and authenticates by a header', async () => {
  const webhook = JSON.parse(await readFile(`${here}/webhook.json`, 'utf8')) as Record<string, string>
  expect(Object.keys(webhook)).toEqual(['name', 'url', 'encode_as', 'custom_headers', 'payload'])
  expect(webhook).toMatchObject({ name: 'ato-contain', encode_as: 'json' })
  expect(JSON.parse(webhook.payload ?? '')).toEqual({
    id: '$ID',
    alert_id: '$ALERT_ID',
    cycle_key: '$ALERT_CYCLE_KEY',
    transition: '$ALERT_TRANSITION',
    scope: '$ALERT_SCOPE',
    tags: '$TAGS',
    date: '$DATE',
  })
  expect(JSON.parse(webhook.custom_headers ?? '')).toEqual({ 'X-ATO-Webhook-Secret': '$ATO_WEBHOOK_SECRET' })
  expect(basename(webhook.url?.split('?')[0] ?? '')).toBe('contain')
})
