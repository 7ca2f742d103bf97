import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCaptured } from 'alertproof/cli'
import { expect } from 'vitest'
import type { Attack, ContainedAttack, PreventedAttack } from '../attacks/kit/attack.ts'

import { command } from '../cli/verbs/verify.ts'
import type { Scoreboard } from '../proof/verify/scoreboard.ts'
import { policyFor } from '../shared/containment/policy.ts'

/** Runs `npm run verify` over some attacks, in a lab that it starts itself, and checks everything that it prints. */
export async function expectVerified(attacks: readonly Attack[]): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'ato verify '))
  try {
    const report = join(dir, 'verify.xml')
    const page = join(dir, 'verify.html')
    const slugs = attacks.map(({ slug }) => slug)
    const { code, out, err } = await runCaptured(command, [
      ...slugs,
      ...['--json', '--junit', report, '--html', page, '--dir', join(dir, 'lab')],
    ])
    expect(err).not.toContain('DOES NOT HOLD')
    expect(code).toBe(0)
    const board: Scoreboard = JSON.parse(out)
    const pairs = attacks.flatMap((attack) => attack.targets.map((target) => ({ attack, target })))
    expect(board).toEqual({
      run_id: expect.stringMatching(/^v-[0-9a-f]{8}$/),
      mode: 'arrival',
      started_at: expect.stringMatching(/^\d{4}-.*Z$/),
      scenarios: pairs.map(({ attack, target }) =>
        attack.ends === 'prevented' ? refused(attack, target) : held(attack, target),
      ),
      passed: pairs.length,
      failed: 0,
    })
    for (const { ends, alert, containment, otherwise, attack, benign } of board.scenarios) {
      expect(attack.requests).toBeLessThan(200)
      if (ends === 'contained') expect(alert.detect_ms).toBeGreaterThanOrEqual(0)
      if (containment.attacker_dead) expect(containment.contain_ms).toBeGreaterThanOrEqual(0)
      expect(containment.still_in).toBeLessThanOrEqual(containment.entered)
      if (ends === 'contained') expect(otherwise.detect_ms).toBeGreaterThanOrEqual(0)
      expect(benign.events).toBeGreaterThan(2)
    }
    const charts = (await readFile(page, 'utf8')).match(/<svg /g) ?? []
    expect(charts.length).toBeGreaterThanOrEqual(pairs.filter(({ attack }) => attack.ends !== 'prevented').length)
    expect(await readFile(report, 'utf8')).toContain(`tests="${pairs.length}" failures="0"`)
    expect(await readdir(join(dir, 'lab', 'verify'))).toEqual([])
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** The form of each facet's value in an alert's group. A group has no other facets. */
const FACETS: Readonly<Record<string, RegExp>> = {
  '@network': /^(203\.0\.113\.\d+|2001:db8:[0-9a-f]+:[0-9a-f]+::\/64)$/,
  '@sid': /^[\w-]{22}$/,
  '@usr.id': /^[0-9a-f-]{36}$/,
  '@login_hash': /^[0-9a-f]{32}$/,
  '@via': /^(web|api)$/,
  '@detection': /^(credential-stuffing|canary-account)$/,
}

/** By attack: the owners whose password the thief changed before the session ended. A person must restore these accounts. */
const TO_RESTORE: Readonly<Record<string, number>> = { 'session-flood': 1 }

function refused({ slug }: PreventedAttack, target: string) {
  return {
    slug,
    target,
    ends: 'prevented',
    attack: { requests: expect.any(Number) },
    alert: expect.anything(),
    signal: null,
    containment: {
      ...{ done: false, action: null, contain_ms: expect.any(Number), attacker_dead: true, victim_alive: true },
      ...{ entered: expect.any(Number), still_in: 0, locked_out: 0, to_restore: 0 },
    },
    otherwise: { mode: 'cadence', detect_ms: null, contain_ms: expect.any(Number) },
    benign: { events: expect.any(Number), alerts: 0 },
    ok: true,
  }
}

/** What a rule of Cloud SIEM beside the monitor must have raised. Alert and signal lead to one containment. */
const signalOf = (rule: string) => ({
  ...{ fired: true, rule, severity: expect.any(String), detect_ms: expect.any(Number), containments: 1 },
})

function held({ slug, trips }: ContainedAttack, target: string) {
  const policy = policyFor(trips)
  const contains = policy?.contain !== 'none'
  const group = Object.fromEntries(
    policy?.groupBy.map((facet) => [facet, expect.stringMatching(FACETS[facet] ?? /^$/)]) ?? [],
  )
  const time = contains ? expect.any(Number) : null
  return {
    slug,
    target,
    ends: 'contained',
    attack: { requests: expect.any(Number) },
    alert: { fired: true, monitor: trips, group, detect_ms: expect.any(Number) },
    signal: existsSync(`detections/${trips}/siem.json`) ? signalOf(trips) : null,
    containment: {
      done: true,
      action: policy?.action,
      contain_ms: time,
      attacker_dead: contains ? true : null,
      victim_alive: true,
      entered: expect.any(Number),
      still_in: contains ? 0 : expect.any(Number),
      locked_out: 0,
      to_restore: TO_RESTORE[slug] ?? 0,
    },
    otherwise: { mode: 'cadence', detect_ms: expect.any(Number), contain_ms: time },
    benign: { events: expect.any(Number), alerts: 0 },
    ok: true,
  }
}
