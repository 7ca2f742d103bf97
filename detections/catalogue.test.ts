import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadDetections, modes, runCase } from '../lab/datadog/testing.ts'
import { Event, eventFields } from '../shared/event.ts'

const here = import.meta.dirname
const detections = await loadDetections(here)

/** Runbook and what an alert may do, by detection: what the tags must say. */
const catalogue: Record<string, { runbook: string; contain: 'ip' | 'session' | 'user' | 'none' }> = {
  'credential-stuffing': { runbook: 'ATO-001', contain: 'ip' },
  'impossible-travel': { runbook: 'ATO-003', contain: 'session' },
  'session-reuse': { runbook: 'ATO-002', contain: 'session' },
}

/** Events that need no session: whoever causes them may at most lose an address, never sign a victim out. */
const unauthenticated = /@evt:(?!session|credential)|@outcome:invalid/
const fieldsIn = (query: string) => [...query.matchAll(/@([A-Za-z_][\w.]*)/g)].map(([, field]) => field ?? '')
const tagOf = (tags: readonly string[], key: string) =>
  tags.filter((tag) => tag.startsWith(`${key}:`)).map((tag) => tag.slice(key.length + 1))

test('the catalogue holds exactly the detections that it names', () => {
  expect(detections.map(({ monitor }) => monitor.slug)).toEqual(Object.keys(catalogue).sort())
})

describe.each(detections)('$monitor.slug', ({ monitor, cases }) => {
  test('folder, tag, runbook and containment agree', () => {
    const entry = catalogue[monitor.slug]
    expect(tagOf(monitor.tags, 'detection')).toEqual([monitor.slug])
    expect(tagOf(monitor.tags, 'runbook')).toEqual([entry?.runbook])
    expect(tagOf(monitor.tags, 'contain')).toEqual([entry?.contain])
    expect(monitor.message).toContain(`runbooks/${entry?.runbook}-${monitor.slug}.md`)
    expect(tagOf(monitor.tags, 'tactic')).not.toEqual([])
    for (const technique of tagOf(monitor.tags, 'technique')) expect(technique).toMatch(/^T\d{4}(\.\d{3})?$/)
  })

  test('every field of the query is one that the app logs', () => {
    const fields = fieldsIn(monitor.query)
    expect(fields.length).toBeGreaterThan(2)
    expect(fields.filter((field) => !eventFields.has(field))).toEqual([])
  })

  test('what an unauthenticated caller can cause contains by address or not at all', () => {
    if (unauthenticated.test(monitor.query)) expect(['ip', 'none']).toContain(tagOf(monitor.tags, 'contain')[0])
    expect(fieldsIn(monitor.query)).not.toContain('run_id')
    expect(fieldsIn(monitor.query)).not.toContain('rum_session_id')
    expect(fieldsIn(monitor.query)).not.toContain('user_agent')
  })

  test('it uses nothing that Datadog leaves undocumented, and leaves nothing to a default that blinds', () => {
    expect(monitor.parsed.undocumented).toEqual([])
    expect(monitor.options).toEqual({
      thresholds: { critical: monitor.parsed.threshold },
      new_group_delay: 0,
      on_missing_data: 'resolve',
      include_tags: true,
      enable_logs_sample: true,
      notify_audit: false,
      renotify_interval: 0,
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
