import type { Alert, SignalReport } from 'alertproof/notify'
import { describe, expect, test } from 'vitest'
import type { AccessCheck } from '../../attacks/kit/access-check.ts'
import type { Attack } from '../../attacks/kit/attack.ts'
import { sessionReuse } from '../../attacks/session-reuse.ts'
import { htmlReport } from '../../cli/verify/html-page.ts'
import { junit } from '../../cli/verify/junit.ts'
import { Narration } from '../../cli/verify/narration.ts'
import { page } from '../../cli/verify/page.ts'
import { table } from '../../cli/verify/table.ts'
import type { Outcome, TwinOutcome } from './detonate.ts'
import { judge } from './judge.ts'
import { scoreboard } from './scoreboard.ts'

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
  measured: '2 values of @device_hash > 1',
  cycle_key: 'c',
  first_triggered_at: '2026-01-05T10:00:00.010Z',
  title: 'Session reuse',
  message: '',
  sample: [],
  deliveries: [],
  unknown_webhooks: [],
}
const detonation = { group: alert.group, crossedAt: 1_000, refusedAt: 1_126 }
const access: AccessCheck = { entered: 2, stillIn: 0, lockedOut: 0, toRestore: 0, stillHeld: [], complaints: [] }
const contained = { action: 'revoke', outcome: 'success', at: 1_120 }
const signal: SignalReport = {
  ...{ id: 2, signal_id: 's', rule: 'session-reuse', name: 'Session reuse', transition: 'Triggered' },
  ...{ severity: 'critical', case: 'more than one device', at: alert.at, notified_at: 1_012, group: alert.group },
  ...{ value: 2, first_seen: alert.at, last_seen: alert.at, title: 'Session reuse - more', message: '', sample: [] },
  ...{ deliveries: [], unknown_webhooks: [] },
}
const signalled = { rule: 'session-reuse', signal, containments: 1 }
const outcome: Outcome = { requests: 10, detonation, access, alert, contained, signalled, alertedOtherwise: 31_000 }
const stillIn: AccessCheck = { ...access, stillIn: 1, stillHeld: ['Ines’s account: web accepts the session'] }
const lockedOut: AccessCheck = { ...access, lockedOut: 1, complaints: ['Ines: cannot sign in (401)'] }
const quiet: TwinOutcome = { events: 7, alerts: [], missing: [] }
const verdictOn = (found: Outcome | Error, twin: TwinOutcome | Error = quiet) =>
  judge({ attack: sessionReuse, target: 'web', mode: 'arrival', outcome: found, twin, durationMs: 1_500 })

test('a scenario that holds has all of its facts', () => {
  expect(verdictOn(outcome)).toEqual({
    scenario: {
      slug: 'session-reuse',
      target: 'web',
      ends: 'contained',
      attack: { requests: 10 },
      alert: { fired: true, monitor: 'session-reuse', group: alert.group, detect_ms: 19 },
      signal: { fired: true, rule: 'session-reuse', severity: 'critical', detect_ms: 12, containments: 1 },
      containment: {
        ...{ done: true, action: 'revoke', contain_ms: 126, attacker_dead: true, victim_alive: true },
        ...{ entered: 2, still_in: 0, locked_out: 0, to_restore: 0 },
      },
      otherwise: { mode: 'cadence', detect_ms: 30_000, contain_ms: 30_107 },
      benign: { events: 7, alerts: 0 },
      ok: true,
    },
    faults: [],
    durationMs: 1_500,
  })
})

test('a request that is refused before the alert counts as refused, however late the alert is', () => {
  const inline = { ...outcome, detonation: { ...detonation, refusedAt: 1_004 } }
  expect(verdictOn(inline).scenario).toMatchObject({
    containment: { contain_ms: 4 },
    otherwise: { detect_ms: 30_000, contain_ms: 4 },
  })
})

describe('a scenario does not hold', () => {
  test.each<[string, Outcome | Error, (TwinOutcome | Error)?]>([
    ['no signal', { ...outcome, signalled: { ...signalled, signal: undefined, containments: 0 } }],
    ['alert and signal were contained 2 times, not once', { ...outcome, signalled: { ...signalled, containments: 2 } }],
    ['alert and signal were contained 0 times, not once', { ...outcome, signalled: { ...signalled, containments: 0 } }],
    ['the benign twin raised a signal: Session reuse - more', outcome, { ...quiet, alerts: [signal] }],
    ['no alert', { ...outcome, alert: undefined }],
    ['no containment', { ...outcome, contained: undefined }],
    ['the containment ended as refused', { ...outcome, contained: { ...contained, outcome: 'refused' } }],
    ['the attacker was never refused', { ...outcome, detonation: { ...detonation, refusedAt: undefined } }],
    ['the attacker still gets in: Ines’s account: web accepts', { ...outcome, access: stillIn }],
    ['locked out: Ines: cannot sign in (401)', { ...outcome, access: lockedOut }],
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

  test('if the policy contains nothing, an attacker who stays in is not a fault', () => {
    const notified: Outcome = {
      ...outcome,
      contained: { ...contained, action: 'notify' },
      detonation: { ...detonation, refusedAt: undefined },
      access: stillIn,
    }
    const judged = (slug: string) =>
      judge({
        ...{ attack: { ...sessionReuse, trips: slug } as Attack, target: 'web', mode: 'arrival' },
        ...{ outcome: notified, twin: quiet, durationMs: 1 },
      })
    expect(judged('session-reuse').faults).toEqual([
      'the attacker was never refused',
      expect.stringContaining('the attacker still gets in'),
    ])
    expect(judged('telemetry-silence').faults).toEqual([])
    expect(judged('telemetry-silence').scenario.containment).toMatchObject({ attacker_dead: null, still_in: 1 })
    const kept = table(scoreboard(HEAD, [judged('telemetry-silence')]), 'at each event', { color: false })
    expect(kept).toContain('keeps 1 of 2')
  })

  test('a prevented attack needs no alert: it is refused, gains nothing, and the logs have the refusal', () => {
    const { slug, title, techniques, targets, does, runbook, twin } = sessionReuse
    const attack: Attack = {
      ...{ slug, title, techniques, targets, does, runbook, twin, attack: sessionReuse.attack },
      ...{ ends: 'prevented', prevention: 'It refuses.', leaves: [] },
    }
    const judged = (found: Partial<Outcome>) =>
      judge({
        ...{ attack, target: 'web', mode: 'arrival', twin: quiet, durationMs: 1 },
        outcome: { ...refused, ...found },
      })
    const refused: Outcome = {
      ...outcome,
      ...{ alert: undefined, contained: undefined, signalled: undefined, alertedOtherwise: undefined },
      traces: { missing: [], accusing: [] },
    }
    expect(judged({}).faults).toEqual([])
    expect(judged({}).scenario).toMatchObject({
      ends: 'prevented',
      alert: { fired: false, detect_ms: null },
      containment: { done: false, contain_ms: 126, attacker_dead: true, still_in: 0, locked_out: 0 },
      otherwise: { detect_ms: null, contain_ms: 126 },
      ok: true,
    })
    const text = table(scoreboard(HEAD, [judged({})]), 'at each event', { color: false })
    expect(text).toMatch(
      /session-reuse\n {2}web +prevented +126 ms +prevented +126 ms +- +ok\n {4}attacker dead, in 0 of 2; victim alive; twin/,
    )
    expect(judged({ access: stillIn }).faults).toEqual([expect.stringContaining('still gets in')])
    expect(judged({ access: lockedOut }).faults).toEqual([expect.stringContaining('locked out')])
    expect(judged({ detonation: { ...detonation, refusedAt: undefined } }).faults).toEqual([
      'the attacker was never refused',
    ])
    expect(judged({ traces: { missing: ['@evt:login: 0 of 1'], accusing: [alert] } }).faults).toEqual([
      'the refusal is not all in the logs: @evt:login: 0 of 1',
      'an alert is about somebody honest: Session reuse',
    ])
  })

  test('a containment with nothing left to do counts as one', () => {
    expect(verdictOn({ ...outcome, contained: { ...contained, outcome: 'noop' } }).scenario.ok).toBe(true)
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

test('the table marks what failed', () => {
  const lines = table(board, 'at each event', { color: false }).split('\n')
  const [good, bad] = [' ok', ' FAILED'].map((end) => lines.findIndex((line) => line.endsWith(end)))
  expect(lines.slice(good, (good ?? 0) + 2)).toEqual([
    expect.stringMatching(/^ {2}web +30 s +30 s +19 ms +126 ms +12 ms +ok$/),
    '    revoke; attacker dead, in 0 of 2; victim alive; twin 7 events, 0 alerts',
  ])
  expect(lines.slice(bad, (bad ?? 0) + 2)).toEqual([
    expect.stringMatching(/^ {2}web +none +never +none +never +- +FAILED$/),
    expect.stringContaining('nobody; attacker IN 0 of 0; victim OUT'),
  ])
  expect(lines).toContain('1 of 2 hold')
})

test('the table fits 80 columns, whatever its cells', () => {
  const slow = verdictOn({
    ...outcome,
    alertedOtherwise: 3_599_000,
    contained: { ...contained, action: 'revoke_user' },
  })
  const long = { ...slow.scenario, slug: 'reauthentication-guessing', target: 'functions' as const }
  const wide = { ...board, scenarios: [long, { ...long, target: 'web' as const }] }
  const lines = table(wide, 'every 60 seconds', { color: false }).split('\n')
  expect(lines.filter((line) => line.length > 80 || line !== line.trimEnd())).toEqual([])
  expect(lines.filter((line) => line === 'reauthentication-guessing')).toHaveLength(1)
})

test('the page of the docs has the table without colours', () => {
  const text = page(board, 'at each event')
  expect(text).toContain(table(board, 'at each event', { color: false }).trimEnd())
})

test('the report shows each scenario with its checks and its story, and text of a fault or of an answer is text', () => {
  const narration = new Narration()
  narration.add('session-reuse on web', 'thief: is in', 40)
  narration.add('session-reuse on web', 'thief: is shown <script>alert(1)</script>', 19)
  narration.add('session-reuse on web, twin', 'Ines: signs in', undefined)
  const report = { board, verdicts, evaluation: 'at each event', seed: 7, narration, drawings: new Map() }
  const text = htmlReport(report)
  expect(text).toContain('<title>Verify: 1 of 2 hold</title>')
  expect(text.match(/<h2 /g)).toHaveLength(2)
  expect(text).toContain('<td>entered 2 accounts, still in 0</td>')
  expect(text).toContain(
    '<td><span class="good">yes</span></td><td>session-reuse @sid:aaaaaaaaaaaaaaaaaaaaaa, after 19 ms</td>',
  )
  expect(text).toContain('<span class="bad">no</span></td><td>none</td>')
  expect(text).toContain('the attack could not be carried out: &lt;b&gt; &amp; &quot;&#39;')
  expect(text).toContain(
    '<span class="who">19 ms</span><span>thief: is shown &lt;script&gt;alert(1)&lt;/script&gt;</span>',
  )
  expect(text.indexOf('thief: is shown')).toBeLessThan(text.indexOf('thief: is in'))
  expect(text).toContain('Ines: signs in')
  expect(text).not.toMatch(/<script|<b>|[^\P{C}\n]/u)
  const inside = htmlReport({ ...report, verdicts: [verdictOn({ ...outcome, access: stillIn })] })
  expect(inside).toContain('<span class="bad">no</span></td><td>entered 2 accounts, still in 1</td>')
})
