import { describe, expect, test } from 'vitest'
import { type Detonated, isAlertOf, isFalseAlert, isFalseSignal, isSignalOf } from './match.ts'

const SINCE = Date.parse('2026-01-05T10:00:00.000Z')
const ours: Detonated = {
  monitor: 'session-reuse',
  group: { '@sid': 'aaaaaaaaaaaaaaaaaaaaaa' },
  since: SINCE,
  runId: 'v-1',
}
const sampleOf = (runId?: string) => [
  { id: '1', timestamp: SINCE, attributes: runId === undefined ? {} : { run_id: runId } },
]
const alert = {
  monitor: 'session-reuse',
  transition: 'Triggered',
  group: { '@sid': 'aaaaaaaaaaaaaaaaaaaaaa' },
  at: '2026-01-05T10:00:00.000Z',
  sample: sampleOf('v-1'),
}

describe('the alert of a detonation', () => {
  test('is the one with its monitor, group, time and run id', () => {
    expect(isAlertOf(alert, ours)).toBe(true)
  })

  test('needs no log of its own where it is about all of the service', () => {
    const silence = { ...alert, monitor: 'telemetry-silence', group: {}, sample: [] }
    const cut = { monitor: 'telemetry-silence', group: {}, since: SINCE, runId: undefined }
    expect(isAlertOf(silence, cut)).toBe(true)
    expect(isAlertOf(silence, { ...cut, runId: 'v-1' })).toBe(false)
  })

  test.each([
    ['of another session', { group: { '@sid': 'bbbbbbbbbbbbbbbbbbbbbb' } }],
    ['of the same value under another facet', { group: { '@ip': 'aaaaaaaaaaaaaaaaaaaaaa' } }],
    ['of one facet more', { group: { ...alert.group, '@ip': '203.0.113.9' } }],
    ['of no group', { group: {} }],
    ['of another monitor', { monitor: 'credential-stuffing' }],
    ['from before it', { at: '2026-01-05T09:59:59.999Z' }],
    ['about its recovery', { transition: 'Recovered' }],
    ['caused by another run', { sample: sampleOf('v-2') }],
    ['whose logs name no run', { sample: sampleOf() }],
    ['without logs', { sample: [] }],
  ])('is none %s', (_name, change) => {
    expect(isAlertOf({ ...alert, ...change }, ours)).toBe(false)
  })

  test('is known by any of its logs', () => {
    expect(isAlertOf({ ...alert, sample: [...sampleOf('v-2'), ...sampleOf('v-1')] }, ours)).toBe(true)
  })
})

describe('a false alert', () => {
  const twin = { groups: [{ '@ip': '198.51.100.7' }, ours.group], runId: 'v-1-twin' }

  test('is about a subject of the twin, whatever its logs say', () => {
    expect(isFalseAlert({ ...alert, sample: [] }, twin)).toBe(true)
  })

  test('is one that an event of the twin has a part in, whatever it is about', () => {
    const other = { ...alert, group: { '@ip': '203.0.113.1' } }
    expect(isFalseAlert({ ...other, sample: sampleOf('v-1-twin') }, twin)).toBe(true)
    expect(isFalseAlert({ ...other, sample: sampleOf('v-1') }, twin)).toBe(false)
  })

  test('is no recovery', () => {
    expect(isFalseAlert({ ...alert, transition: 'Recovered' }, twin)).toBe(false)
  })

  test('excludes alerts that the twin follows on, for that monitor and group only', () => {
    const after = { ...twin, aftermathOf: [{ monitor: alert.monitor, group: alert.group }] }
    expect(isFalseAlert({ ...alert, sample: sampleOf('v-1-twin') }, after)).toBe(false)
    expect(isFalseAlert({ ...alert, monitor: 'another', sample: sampleOf('v-1-twin') }, after)).toBe(true)
    expect(isFalseAlert({ ...alert, group: { '@ip': '203.0.113.1' }, sample: sampleOf('v-1-twin') }, after)).toBe(true)
  })
})

test('a signal is told by the same facts, with the slug of its rule; one that closes is no false one', () => {
  const { monitor: rule, ...rest } = alert
  const signal = { ...rest, rule, transition: 'Triggered' as const }
  expect(isSignalOf(signal, ours)).toBe(true)
  expect(isSignalOf({ ...signal, rule: 'credential-stuffing' }, ours)).toBe(false)
  expect(isSignalOf({ ...signal, transition: 'Raised' }, ours)).toBe(false)
  const twin = { groups: [ours.group], runId: 'v-1-twin' }
  expect(isFalseSignal(signal, twin)).toBe(true)
  expect(isFalseSignal({ ...signal, transition: 'Closed' }, twin)).toBe(false)
})
