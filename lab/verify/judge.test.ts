import { describe, expect, test } from 'vitest'
import { sessionReuse } from '../../attacks/session-reuse.ts'
import type { Alert } from '../datadog/notify/alerts.ts'
import type { Outcome, TwinOutcome } from './detonate.ts'
import { judge } from './judge.ts'
import { junit } from './junit.ts'
import { scoreboard } from './scoreboard.ts'
import { table } from './table.ts'

const alert: Alert = {
  id: 1,
  event_id: '1',
  monitor: 'session-reuse',
  name: 'Session reuse',
  transition: 'Triggered',
  at: '2026-01-05T10:00:00.010Z',
  notified_at: 1_019,
  group: { '@sid': 'aaaaaaaaaaaaaaaaaaaaaa' },
  scope: '@sid:aaaaaaaaaaaaaaaaaaaaaa',
  value: 2,
  cycle_key: 'c',
  first_triggered_at: '2026-01-05T10:00:00.010Z',
  title: 'Session reuse',
  message: '',
  sample: [],
  deliveries: [],
  unknown_webhooks: [],
}
const detonation = { group: alert.group, crossedAt: 1_000, refusedAt: 1_126, attackerDead: true, victimAlive: true }
const contained = { action: 'revoke', outcome: 'success' }
const outcome: Outcome = { requests: 10, detonation, alert, contained, alertedOtherwise: 31_000 }
const quiet: TwinOutcome = { events: 7, alerts: [], missing: [] }
const verdictOn = (found: Outcome | Error, twin: TwinOutcome | Error = quiet) =>
  judge({ attack: sessionReuse, target: 'web', mode: 'arrival', outcome: found, twin, durationMs: 1_500 })

test('a scenario that holds is told by its facts, all of them', () => {
  expect(verdictOn(outcome)).toEqual({
    scenario: {
      slug: 'session-reuse',
      target: 'web',
      attack: { requests: 10 },
      alert: { fired: true, monitor: 'session-reuse', group: alert.group, detect_ms: 19 },
      containment: { done: true, action: 'revoke', contain_ms: 126, attacker_dead: true, victim_alive: true },
      otherwise: { mode: 'cadence', detect_ms: 30_000, contain_ms: 30_107 },
      benign: { events: 7, alerts: 0 },
      ok: true,
    },
    faults: [],
    durationMs: 1_500,
  })
})

test('what is refused at the crossing itself is refused then, however long the alert takes', () => {
  const inline = { ...outcome, detonation: { ...detonation, refusedAt: detonation.crossedAt } }
  expect(verdictOn(inline).scenario).toMatchObject({
    containment: { contain_ms: 0 },
    otherwise: { detect_ms: 30_000, contain_ms: 0 },
  })
})

describe('a scenario does not hold', () => {
  test.each<[string, Outcome | Error, (TwinOutcome | Error)?]>([
    ['no alert', { ...outcome, alert: undefined }],
    ['no containment', { ...outcome, contained: undefined }],
    ['the containment ended as refused', { ...outcome, contained: { action: 'revoke', outcome: 'refused' } }],
    ['the attacker was never refused', { ...outcome, detonation: { ...detonation, refusedAt: undefined } }],
    ['the attacker still gets in', { ...outcome, detonation: { ...detonation, attackerDead: false } }],
    ['the victim was thrown out as well', { ...outcome, detonation: { ...detonation, victimAlive: false } }],
    ['could not be carried out: GET / failed', new Error('GET / failed')],
    ['the benign twin raised an alert', outcome, { ...quiet, alerts: [alert] }],
    ['the benign twin left no event', outcome, { ...quiet, events: 0 }],
    ['not all there: @evt:login: 1 of 2', outcome, { ...quiet, missing: ['@evt:login: 1 of 2'] }],
    ['the benign twin: Ines was kept out', outcome, new Error('Ines was kept out')],
  ])('when %s', (fault, found, twin) => {
    const { scenario, faults } = verdictOn(found, twin)
    expect(scenario.ok).toBe(false)
    expect(faults).toEqual([expect.stringContaining(fault)])
  })

  test('but where nothing is contained, an attacker who is merely known is no fault', () => {
    const told: Outcome = {
      ...outcome,
      contained: { action: 'notify', outcome: 'success' },
      detonation: { ...detonation, refusedAt: undefined, attackerDead: undefined },
    }
    const judged = (slug: string) =>
      judge({
        ...{ attack: { ...sessionReuse, trips: slug }, target: 'web', mode: 'arrival' },
        ...{ outcome: told, twin: quiet, durationMs: 1 },
      })
    expect(judged('session-reuse').faults).toEqual(['the attacker was never refused', 'the attacker still gets in'])
    expect(judged('telemetry-silence').faults).toEqual([])
    expect(judged('telemetry-silence').scenario.containment.attacker_dead).toBeNull()
  })

  test('but a containment that found nothing left to do is one', () => {
    expect(verdictOn({ ...outcome, contained: { action: 'revoke', outcome: 'noop' } }).scenario.ok).toBe(true)
  })
})

const HEAD = { run_id: 'v-1', mode: 'arrival', started_at: '2026-01-05T10:00:00.000Z' } as const
const verdicts = [verdictOn(outcome), verdictOn(new Error('<b> & "\'\u0000\ud800\n'))]
const board = scoreboard(HEAD, verdicts)

test('the scoreboard counts what holds and what does not', () => {
  expect(Object.keys(board)).toEqual(['run_id', 'mode', 'started_at', 'scenarios', 'passed', 'failed'])
  expect(board).toMatchObject({ ...HEAD, passed: 1, failed: 1 })
})

test('JUnit shows each scenario, and no text of a fault can break it', () => {
  const xml = junit(board, verdicts)
  expect(xml).toContain('tests="2" failures="1"')
  expect(xml.match(/<testcase classname="verify.web" name="session-reuse"/g)).toHaveLength(2)
  expect(xml.match(/<failure /g)).toHaveLength(1)
  expect(xml).toContain('&lt;b&gt; &amp; &quot;&apos;\ufffd\ufffd&#10;')
  expect(xml).not.toContain('<b>')
  expect(xml).not.toContain('\u0000')
})

test('the table tells at a glance what failed', () => {
  const lines = table(board, 'at each event', { color: false }).split('\n')
  expect(lines.find((line) => line.endsWith('ok'))).toMatch(
    /session-reuse +web +30 s +30 s +19 ms +126 ms +revoke +dead +alive/,
  )
  expect(lines.find((line) => line.endsWith('FAILED'))).toMatch(/none +never +none +never +nobody +IN +OUT/)
  expect(lines).toContain('1 of 2 hold')
})
