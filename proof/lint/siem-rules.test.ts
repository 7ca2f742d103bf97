import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lintDetections } from './lint.ts'

const root = join(import.meta.dirname, '../..')

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ato siem '))
  for (const name of ['webhook.json', 'siem-webhook.json']) await cp(join(root, 'detections', name), join(dir, name))
  await cp(join(root, 'detections/session-reuse'), join(dir, 'session-reuse'), { recursive: true })
})
afterEach(() => rm(dir, { recursive: true, force: true }))

async function findingsAfter(from: string | RegExp, to: string): Promise<string[]> {
  const file = join(dir, 'session-reuse/siem.json')
  const before = await readFile(file, 'utf8')
  const after = before.replace(from, to)
  expect(after).not.toBe(before)
  await writeFile(file, after)
  const { findings } = await lintDetections(dir, root)
  expect(findings.filter((finding) => finding.file !== file)).toEqual([])
  return findings.map(({ place, what }) => `${place}: ${what}`)
}

test.each<[string, string | RegExp, string, RegExp]>([
  [
    'another name than functions know',
    'one session on two',
    'a session on two',
    /^name: is not the one that functions know/,
  ],
  ['nobody to notify', '["@webhook-ato-contain-signal"]', '[]', /^cases\[0\]\.notifications: do not reach/],
  [
    'the webhook of monitors',
    '@webhook-ato-contain-signal',
    '@webhook-ato-contain',
    /^cases\[0\]\.notifications: do not/,
  ],
  ['a key that the API does not have', '"isEnabled"', '"enabled": true, "isEnabled"', /enabled/],
  ['a method that is not evaluated', '"threshold"', '"new_value"', /^options\.detectionMethod: "new_value"/],
  ['a condition without a query', '"devices > 1"', '"> 1"', /^cases\[0\]\.condition:0/],
  ['another search than the monitor', 'env:prod @evt', 'env:stage @evt', /^queries\[0\]\.query: is/],
  ['another group than the monitor', '["@sid"]', '["@usr.id"]', /^queries\[0\]\.groupByFields: is/],
  ['another field to count', '["@device_hash"]', '["@ip"]', /^queries\[0\]\.distinctFields: is/],
  ['another number than the monitor', 'devices > 1', 'devices > 2', /^cases\[0\]\.condition: is/],
  [
    'another window than the monitor',
    '"evaluationWindow": 7200',
    '"evaluationWindow": 3600',
    /^options\.evaluationWindow: is/,
  ],
  [
    'a keep-alive that is shorter than the window',
    '"keepAlive": 7200',
    '"keepAlive": 3600',
    /^options\.keepAlive: 3600 is less/,
  ],
  [
    'a tactic without its name',
    'tactic:TA0006-credential-access',
    'tactic:TA0006',
    /^tags: lack tactic:TA0006-credential-access/,
  ],
  [
    'a technique that the monitor does not have',
    '"security:attack"',
    '"security:attack", "technique:T1110"',
    /^tags: say technique:T1110/,
  ],
  ['no runbook in the message', 'ATO-002-session-reuse.md', 'ATO-002.md', /^message: does not name its runbook/],
  [
    'groups that may lack a subject',
    '"hasOptionalGroupByFields": false',
    '"hasOptionalGroupByFields": true',
    /hasOptionalGroupByFields/,
  ],
])('a rule with %s is refused', async (_, from, to, finding) => {
  expect(await findingsAfter(from, to)).toEqual(expect.arrayContaining([expect.stringMatching(finding)]))
})

test('a rule without a monitor beside it is refused', async () => {
  await rm(join(dir, 'session-reuse/monitor.json'))
  const { findings } = await lintDetections(dir, root)
  expect(findings.map(({ what }) => what)).toContain('has no monitor beside it that can be read')
})
