import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { command } from '../lab/cli/verify.ts'
import type { Scoreboard } from '../lab/verify/scoreboard.ts'

/** `npm run verify` as it is typed, where no lab runs: everything it prints is asserted, nothing is stood in for. */

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ato verify '))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

test('every attack is seen and contained on both targets, and no twin is troubled', { timeout: 240_000 }, async () => {
  const told = { out: '', err: '' }
  const report = join(dir, 'verify.xml')
  const code = await command.run(['--json', '--junit', report, '--dir', join(dir, 'lab')], {
    out: (text) => {
      told.out += text
    },
    err: (text) => {
      told.err += text
    },
    color: false,
    signal: new AbortController().signal,
  })
  expect(told.err).not.toContain('DOES NOT HOLD')
  expect(code).toBe(0)
  const board = JSON.parse(told.out) as Scoreboard
  expect(board).toEqual({
    run_id: expect.stringMatching(/^v-[0-9a-f]{8}$/),
    mode: 'arrival',
    started_at: expect.stringMatching(/^\d{4}-.*Z$/),
    scenarios: [
      held('credential-stuffing', 'web', { '@ip': expect.stringMatching(/^203\.0\.113\.\d+$/) }, 'block_ip'),
      held('credential-stuffing', 'functions', { '@ip': expect.stringMatching(/^203\.0\.113\.\d+$/) }, 'block_ip'),
      held('session-reuse', 'web', { '@sid': expect.stringMatching(/^[\w-]{22}$/) }, 'revoke'),
      held('session-reuse', 'functions', { '@sid': expect.stringMatching(/^[\w-]{22}$/) }, 'revoke'),
      held('impossible-travel', 'web', { '@sid': expect.stringMatching(/^[\w-]{22}$/) }, 'revoke'),
      held('impossible-travel', 'functions', { '@sid': expect.stringMatching(/^[\w-]{22}$/) }, 'revoke'),
    ],
    passed: 6,
    failed: 0,
  })
  for (const { alert, containment, attack, benign } of board.scenarios) {
    expect(attack.requests).toBeLessThan(200)
    expect(alert.detect_ms).toBeGreaterThanOrEqual(0)
    expect(containment.contain_ms).toBeGreaterThan(0)
    expect(benign.events).toBeGreaterThan(5)
  }
  expect(await readFile(report, 'utf8')).toContain('tests="6" failures="0"')
  expect(await readdir(join(dir, 'lab', 'verify'))).toEqual([])
})

const held = (slug: string, target: string, group: Record<string, unknown>, action: string) => ({
  slug,
  target,
  attack: { requests: expect.any(Number) },
  alert: { fired: true, monitor: slug, group, detect_ms: expect.any(Number) },
  containment: {
    done: true,
    action,
    contain_ms: expect.any(Number),
    attacker_dead: true,
    victim_alive: true,
  },
  benign: { events: expect.any(Number), alerts: 0 },
  ok: true,
})
