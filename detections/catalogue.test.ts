import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { lintDetections } from '../proof/lint/lint.ts'
import { Event } from '../shared/event.ts'
import { loadDetections, modes, runCase } from './harness.ts'

const here = import.meta.dirname
const detections = await loadDetections(here)

test('lint finds nothing wrong with them, nor with what belongs to them', async () => {
  const { files, findings } = await lintDetections(here, join(here, '..'))
  expect(findings).toEqual([])
  expect(files).toBeGreaterThan(detections.length)
})

describe.each(detections)('$monitor.slug', ({ monitor, cases }) => {
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

test('the webhook of signals sends identifiers only, the group as JSON, and authenticates as the other does', async () => {
  const [webhook, other] = await Promise.all(
    ['siem-webhook.json', 'webhook.json'].map(async (name) => JSON.parse(await readFile(`${here}/${name}`, 'utf8'))),
  )
  expect(webhook).toEqual({ ...other, name: 'ato-contain-signal', payload: webhook.payload })
  expect(JSON.parse(webhook.payload.replace('$SECURITY_RULE_GROUP_BY_FIELDS', '{"@sid":"x"}'))).toEqual({
    signal_id: '$SECURITY_SIGNAL_ID',
    rule_id: '$SECURITY_RULE_ID',
    rule_name: '$SECURITY_RULE_NAME',
    group_by: { '@sid': 'x' },
    date: '$DATE',
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
