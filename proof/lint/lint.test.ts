import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { readImportable } from 'alertproof'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { attackBySlug, attacks } from '../../attacks/index.ts'
import { REVOKED, TACTICS, TECHNIQUES } from './attack-matrix.ts'
import { attackRecordRules } from './attack-records.ts'
import { companionRules, orphanRules } from './companions.ts'
import { lintDetections } from './lint.ts'

const root = join(import.meta.dirname, '../..')

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ato lint '))
  await cp(join(root, 'detections/webhook.json'), join(dir, 'webhook.json'))
  for (const slug of ['credential-stuffing', 'otp-replay', 'telemetry-silence']) {
    await cp(join(root, 'detections', slug, 'monitor.json'), join(dir, slug, 'monitor.json'))
  }
})
afterEach(() => rm(dir, { recursive: true, force: true }))

/** Edits one monitor's text, and says what the lint finds. */
async function findingsAfter(slug: string, from: string | RegExp, to: string) {
  const file = join(dir, slug, 'monitor.json')
  const before = await readFile(file, 'utf8')
  const after = before.replace(from, to)
  expect(after).not.toBe(before)
  await writeFile(file, after)
  const { findings } = await lintDetections(dir, root)
  for (const finding of findings) {
    expect(finding.file === file || /[/\\](runbooks|attacks|cases\.ts)/.test(finding.file), finding.file).toBe(true)
    expect(finding.what).not.toBe('')
    expect(finding.remedy).not.toBe('')
  }
  return findings.map(({ place, what }) => `${place}: ${what}`)
}

test('the same files elsewhere have none either', async () => {
  expect((await lintDetections(dir, root)).findings).toEqual([])
})

describe('a detection is refused', () => {
  test.each<[string, string, string | RegExp, string, RegExp]>([
    ['a key that the API does not have', 'credential-stuffing', '"priority"', '"prio": 1, "priority"', /^prio: /],
    ['a read-only key', 'credential-stuffing', '"priority"', '"id": 1, "priority"', /^id: .*read-only/],
    ['a key twice', 'credential-stuffing', '"priority"', '"name": "again", "priority"', /name/],
    ['what is not JSON', 'credential-stuffing', '"priority"', 'priority', /JSON/],
    [
      'another number in the thresholds',
      'credential-stuffing',
      '"critical": 10',
      '"critical": 11',
      /^options\.thresholds\.critical: .*11/,
    ],
    [
      'no number in the thresholds',
      'credential-stuffing',
      '"thresholds": { "critical": 10 },',
      '',
      /^options\.thresholds\.critical: is missing/,
    ],
    ['an option left to Datadog', 'credential-stuffing', '"new_group_delay": 0,', '', /^options\.new_group_delay: /],
    [
      'missing data left to Datadog',
      'credential-stuffing',
      '"on_missing_data": "resolve",',
      '',
      /^options\.on_missing_data: /,
    ],
    [
      'silence that resolves itself',
      'telemetry-silence',
      '"default"',
      '"resolve"',
      /^options\.on_missing_data: is "resolve"/,
    ],
    [
      'a tag where an attribute is meant',
      'credential-stuffing',
      '@evt:login',
      'evt:login',
      /^query: no event has the tag evt/,
    ],
    [
      'a tag where an attribute is excluded',
      'credential-stuffing',
      '-@reason:(',
      '-reason:(',
      /^query: no event has the tag reason/,
    ],
    ['free text', 'credential-stuffing', '@evt:login', 'login @evt:login', /^query: events have no text/],
    ['a field of no event', 'credential-stuffing', '@outcome:fail', '@result:fail', /^query: @result is not a field/],
    [
      'a value of no event',
      'credential-stuffing',
      '@outcome:fail',
      '@outcome:failure',
      /^query: no event of the app can match/,
    ],
    [
      'a value of no event among values that events have',
      'credential-stuffing',
      '(blocked OR busy',
      '(blocked OR sleepy OR busy',
      /^query: no event has @reason:sleepy/,
    ],
    [
      'a field that the client writes',
      'credential-stuffing',
      '@evt:login',
      '@user_agent:curl* @evt:login',
      /^query: reads @user_agent/,
    ],
    [
      'a group that such events lack',
      'credential-stuffing',
      '.by(\\"@network\\")',
      '.by(\\"@blocked_network\\")',
      /^query: no event that matches has @blocked_network/,
    ],
    [
      'a group that is not its policy’s',
      'credential-stuffing',
      '.by(\\"@network\\")',
      '.by(\\"@via\\")',
      /^query: groups by @via/,
    ],
    ['no stage', 'credential-stuffing', ' env:prod', '', /^query: does not say env:/],
    [
      'a form that Datadog does not document',
      'credential-stuffing',
      '@evt:login',
      '_exists_:evt @evt:login',
      /^query:\d+: /,
    ],
    [
      'an alert that reaches nobody',
      'credential-stuffing',
      /{{#is_alert}}.*?{{\/is_alert}}/,
      '',
      /^message: has no handle in a {{#is_alert}}/,
    ],
    [
      'a handle outside of a block',
      'credential-stuffing',
      /{{#is_alert}}/,
      '@webhook-ato-contain {{#is_alert}}',
      /^message: has a handle outside/,
    ],
    [
      'a handle of nobody',
      'credential-stuffing',
      '@webhook-ato-contain',
      '@webhook-nobody',
      /^message: @webhook-nobody/,
    ],
    ['a message that cannot be read', 'credential-stuffing', '{{value}}', '{{#if value}}', /^message: /],
    ['a tag that is missing', 'credential-stuffing', '"managed-by:mini-ato-saas",', '', /^tags: lack managed-by:/],
    [
      'a tag of another detection',
      'credential-stuffing',
      'detection:credential-stuffing',
      'detection:other',
      /^tags: detection:other/,
    ],
    [
      'a containment that is not its policy’s',
      'credential-stuffing',
      'contain:ip',
      'contain:none',
      /^tags: contain:none is not its policy/,
    ],
    [
      'a victim who could be signed out by anybody',
      'otp-replay',
      '@reason:replayed_code',
      '@reason:expired',
      /^tags: contain:user, and anybody/,
    ],
    ['a technique of nobody', 'credential-stuffing', 'T1110.004', 'T9999', /^tags: technique:T9999/],
    [
      'a technique that was revoked',
      'telemetry-silence',
      'T1685.002',
      'T1562.008',
      /^tags: technique:T1562.008 was revoked/,
    ],
    [
      'a technique of another tactic',
      'credential-stuffing',
      'tactic:TA0006',
      'tactic:TA0001',
      /^tags: technique:T1110.004 .* has no tactic/,
    ],
    ['a runbook that is not there', 'credential-stuffing', 'runbook:ATO-001', 'runbook:ATO-099', /^: has no runbook/],
    [
      'another’s runbook',
      'credential-stuffing',
      'runbook:ATO-001',
      'runbook:ATO-002',
      /^tags: runbook:ATO-002 is ATO-002-s/,
    ],
    [
      'a query that its runbook does not show',
      'credential-stuffing',
      /\.last\(\\"5m\\"\)/,
      '.last(\\"10m\\")',
      /^```monitor: /,
    ],
    [
      'a query that does not find its proof',
      'credential-stuffing',
      '@outcome:fail',
      '@outcome:success',
      /^proof\.counts: /,
    ],
    [
      'lines that are counted where they may come twice',
      'credential-stuffing',
      '\\"cardinality\\",\\"@request_id\\"',
      '\\"count\\"',
      /^query: counts lines/,
    ],
    [
      'attempts that a block refused',
      'credential-stuffing',
      '(blocked OR busy',
      '(busy',
      /^query: counts @evt:login @reason:blocked/,
    ],
    [
      'attempts that a full queue turned away',
      'credential-stuffing',
      'blocked OR busy',
      'blocked',
      /^query: counts @evt:login @reason:busy/,
    ],
    [
      'a session that the browser names',
      'credential-stuffing',
      '@evt:login',
      '@rum_session_id:* @evt:login',
      /^query: reads @rum_session_id/,
    ],
    [
      'a field that only the lab knows',
      'credential-stuffing',
      '@evt:login',
      '@run_id:* @evt:login',
      /^query: reads @run_id/,
    ],
    ...(
      [
        ['new_group_delay', '"new_group_delay": 0', '"new_group_delay": 60'],
        ['include_tags', '"include_tags": true', '"include_tags": false'],
        ['enable_logs_sample', '"enable_logs_sample": true', '"enable_logs_sample": false'],
        ['notify_audit', '"notify_audit": false', '"notify_audit": true'],
        ['renotify_interval', '"renotify_interval": 10', '"renotify_interval": 60'],
        ['renotify_statuses', '["alert"]', '["alert", "no data"]'],
        ['on_missing_data', '"resolve"', '"default"'],
        ['timeout_h', '"include_tags"', '"timeout_h": 4, "include_tags"'],
      ] as const
    ).map(([option, from, to]): [string, string, string, string, RegExp] => [
      `another ${option}`,
      'credential-stuffing',
      from,
      to,
      new RegExp(`^options\\.${option}: `),
    ]),
    [
      'a reminder where nothing is renewed',
      'otp-replay',
      '"renotify_interval": 0',
      '"renotify_interval": 10',
      /^options\.renotify_interval: is 10/,
    ],
    [
      'a recovery that reaches nobody',
      'credential-stuffing',
      /{{#is_recovery}}.*?{{\/is_recovery}}/,
      '',
      /^message: has no handle in a {{#is_recovery}}/,
    ],
    [
      'a message that names no runbook',
      'credential-stuffing',
      'runbooks/ATO-001-',
      'ATO-001-',
      /^message: does not name/,
    ],
    [
      'a message that names another runbook',
      'credential-stuffing',
      'runbooks/ATO-001-credential-stuffing.md',
      'runbooks/ATO-001-otp-replay.md',
      /^message: does not name/,
    ],
    [
      'a runbook without a number',
      'credential-stuffing',
      'runbook:ATO-001',
      'runbook:stuffing',
      /^tags: runbook:stuffing/,
    ],
    ['no tactic', 'credential-stuffing', '"tactic:TA0006",', '', /^tags: lack tactic:/],
    ['no technique', 'credential-stuffing', '"technique:T1110.004",', '', /^tags: lack technique:/],
  ])('for %s', async (_what, slug, from, to, found) => {
    expect(await findingsAfter(slug, from, to)).toEqual(expect.arrayContaining([expect.stringMatching(found)]))
  })
})

test('a file that nothing imports is a finding', async () => {
  await writeFile(join(dir, 'notes.json'), '{}')
  const { findings } = await lintDetections(dir, root)
  expect(findings).toMatchObject([{ file: join(dir, 'notes.json'), what: 'is not a file that is imported' }])
})

test('a folder without a monitor is a finding', async () => {
  await mkdir(join(dir, 'half-done'))
  const { findings } = await lintDetections(dir, root)
  expect(findings).toMatchObject([{ file: join(dir, 'half-done'), what: 'has no monitor' }])
})

/** A monitor of a new detection, and what lint says of it to do. */
async function remediesOf(slug: string) {
  const text = await readFile(join(dir, 'otp-replay/monitor.json'), 'utf8')
  const monitor = readImportable(text.replaceAll('otp-replay', slug), `${slug}/monitor.json`)
  const remedies: string[] = []
  await companionRules(monitor, dir, () => (_place, _what, remedy) => remedies.push(remedy))
  return remedies
}

test('each file that a new detection lacks is a finding with its remedy', async () => {
  for (const folder of ['attacks', 'runbooks']) await mkdir(join(dir, folder))
  await writeFile(join(dir, 'runbooks/ATO-009-otp-replay.md'), '')
  expect(await remediesOf('brand-new')).toEqual([
    'write detections/brand-new/cases.ts',
    'write attacks/brand-new.ts',
    'write attacks/brand-new.twin.ts',
    'write runbooks/ATO-009-brand-new.md',
    'add it to detections/profiles.ts, with its source',
    'say runbook:ATO-010, the next that is free',
    'run npm run docs',
  ])
})

test('files that exist without a word about the detection are findings', async () => {
  for (const folder of ['attacks', 'runbooks', 'detections/brand-new', 'docs']) {
    await mkdir(join(dir, folder), { recursive: true })
  }
  await writeFile(join(dir, 'attacks/brand-new.ts'), '')
  await writeFile(join(dir, 'attacks/brand-new.twin.ts'), '')
  await writeFile(join(dir, 'docs/detections.md'), 'detections/brand-new/monitor.json')
  await writeFile(join(dir, 'detections/brand-new/cases.ts'), 'export const cases = []')
  expect(await remediesOf('brand-new')).toEqual([
    "call it slug: 'brand-new', and add it to attacks/index.ts",
    'write runbooks/ATO-009-brand-new.md',
    'add it to detections/profiles.ts, with its source',
    'export const cases: add the attack',
    'export const cases: add the honest people who resemble the attack',
    'export const proof: its function counts makes an event that counts, almost one that does not',
  ])
})

test('a runbook, an attack and a threshold of no detection are findings', async () => {
  await mkdir(join(dir, 'runbooks'))
  for (const name of ['ATO-018-nobody.md', 'notes.md']) await writeFile(join(dir, 'runbooks', name), '')
  const found: string[] = []
  await orphanRules(dir, (file) => (place, what) => found.push(`${basename(file)}: ${place} ${what}`))
  expect(found).toEqual(
    expect.arrayContaining([
      'ATO-018-nobody.md:  is the runbook of no detection',
      'notes.md:  has no number',
      'session-fork.ts: trips is session-fork, which is no detection',
      'profiles.ts: session-fork is no detection',
    ]),
  )
})

test('text that a monitor copied from another one is a finding', async () => {
  const text = await readFile(join(dir, 'otp-replay/monitor.json'), 'utf8')
  const copy = text.replaceAll('otp-replay', 'brand-new').replaceAll('ATO-009', 'ATO-018')
  await mkdir(join(dir, 'brand-new'))
  await writeFile(join(dir, 'brand-new/monitor.json'), copy)
  const { findings } = await lintDetections(dir, root)
  const copied = findings.filter(({ what }) => what === 'is that of otp-replay')
  expect(copied.map(({ file, place }) => `${basename(dirname(file))}: ${place}`)).toEqual([
    'brand-new: name',
    'brand-new: query',
    'brand-new: message',
  ])
  expect(findings.filter(({ file }) => file.includes('otp-replay'))).toEqual([])
})

test('a copy without a runbook of its own is the one that is blamed, whatever its name', async () => {
  await cp(join(dir, 'otp-replay'), join(dir, 'aaa-copy'), { recursive: true })
  const { findings } = await lintDetections(dir, root)
  const copied = findings.filter(({ what }) => /^is that of /.test(what))
  expect(new Set(copied.map(({ file }) => basename(dirname(file))))).toEqual(new Set(['aaa-copy']))
})

test('copied text in an attack, and contradictions to its monitor, are findings', async () => {
  const monitor = readImportable(
    await readFile(join(dir, 'otp-replay/monitor.json'), 'utf8'),
    'otp-replay/monitor.json',
  )
  const [first] = attacks
  const own = attackBySlug('otp-replay')
  if (!first || !own || own.ends === 'prevented') throw new Error('there is no such attack')
  const { title, does, twin } = first
  const copy = {
    ...own,
    title,
    does,
    twin,
    techniques: first.techniques,
    trips: 'session-fork',
    runbook: 'runbooks/x.md',
  }
  const found: string[] = []
  const reportIn = (slug: string) => (place: string, what: string) => found.push(`${slug}: ${place} ${what}`)
  attackRecordRules(monitor, own.runbook, reportIn, [first, copy])
  expect(found).toEqual([
    'otp-replay: trips is session-fork',
    'otp-replay: runbook is runbooks/x.md',
    'otp-replay: techniques are T1110.004',
    'otp-replay: title is that of credential-stuffing',
    'otp-replay: twin.title is that of credential-stuffing',
    'otp-replay: does is that of credential-stuffing',
    'otp-replay: twin.does is that of credential-stuffing',
  ])
})

test('the table of ATT&CK contradicts itself nowhere', () => {
  for (const [id, { tactics }] of Object.entries(TECHNIQUES)) {
    expect(id).toMatch(/^T\d{4}(\.\d{3})?$/)
    expect(tactics.filter((tactic) => !Object.hasOwn(TACTICS, tactic))).toEqual([])
    expect(REVOKED).not.toHaveProperty([id])
  }
  for (const heir of Object.values(REVOKED)) expect(TECHNIQUES).toHaveProperty([heir])
})
