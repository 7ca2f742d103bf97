import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { UsageError } from '../command.ts'
import { runCaptured } from '../testing.ts'
import { command } from './check.ts'

const monitor = {
  name: 'Failed, 50% more: sign-ins',
  type: 'log alert',
  query: 'logs("@evt:login").index("*").rollup("count").last("5m") > 10',
  message: 'm @slack-team',
  options: { thresholds: { critical: 10 } },
}
const short = { ...monitor, query: monitor.query.replace('5m', '1m') }
const wrong = { ...monitor, options: { thresholds: { critical: 11 } } }

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'check-'))
  for (const [name, json] of Object.entries({ good: monitor, short, wrong })) {
    await writeFile(join(dir, `${name}.json`), JSON.stringify(json, undefined, 1))
  }
  await writeFile(join(dir, 'broken.json'), '{')
  await writeFile(join(dir, 'other.json'), '{"title": "a dashboard"}')
  await writeFile(join(dir, 'log.jsonl'), '{"evt": "logout"}\nplain\n')
  return () => rm(dir, { recursive: true })
})

const run = (...argv: string[]) => runCaptured(command, argv)
const file = (name: string) => join(dir, `${name}.json`)

test('the exit code says whether the monitors hold', async () => {
  expect(await run(file('good'))).toEqual({ code: 0, out: '', err: '1 monitor: 0 errors, 0 warnings, 0 notes.\n' })
  expect((await run(file('short'))).code).toBe(0)
  expect((await run(file('short'), '--strict')).code).toBe(1)
  expect((await run(file('wrong'))).code).toBe(1)
  expect((await run(file('broken'))).code).toBe(3)
  expect((await run(file('other'))).code).toBe(3)
  expect((await run(file('none'))).code).toBe(3)
  await expect(run()).rejects.toThrow(UsageError)
  await expect(run(file('good'), '--json', '--github')).rejects.toThrow(UsageError)
})

test('a finding is one line with file, line, column, level and rule', async () => {
  const { out } = await run(file('wrong'))
  expect(out).toBe(
    `${file('wrong')}:8:4: error: wrong: options.thresholds.critical: Alert threshold (11) does not match that used in the query (10). [critical-is-the-number-of-the-query]\n`,
  )
})

test('an address of Terraform is named once in a finding', async () => {
  const { options: _, ...values } = short
  const resource = { address: 'datadog_monitor.a', mode: 'managed', type: 'datadog_monitor', name: 'a', values }
  const plan = join(dir, 'plan.json')
  await writeFile(
    plan,
    JSON.stringify({ format_version: '1.2', planned_values: { root_module: { resources: [resource] } } }),
  )
  const { out } = await run(plan)
  expect(out).toMatch(/: warning: datadog_monitor\.a: query: .* \[short-window\]\n/)
  await rm(plan)
})

test('--json prints one object per finding', async () => {
  const { out } = await run(file('wrong'), file('short'), '--json')
  const lines = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object)
  expect(lines).toMatchObject([
    {
      level: 'warning',
      rule: 'short-window',
      monitor: 'short',
      file: file('short'),
      line: 4,
      column: 2,
      place: 'query',
    },
    { level: 'error', monitor: 'wrong', line: 8 },
  ])
})

test('--github prints workflow commands, with their special characters escaped', async () => {
  const { out } = await run(file('wrong'), '--github')
  expect(out).toBe(
    `::error file=${file('wrong')},line=8,col=4,title=wrong%3A critical-is-the-number-of-the-query` +
      '::options.thresholds.critical: Alert threshold (11) does not match that used in the query (10).\n',
  )
  await writeFile(file('percent'), JSON.stringify({ ...monitor, message: 'a {{#is_alert}}%\n@x' }))
  const { out: escaped } = await run(file('percent'), '--github')
  expect(escaped.split('\n')).toHaveLength(2)
})

/** What a SARIF log must have to be shown. @see SARIF 2.1.0, sections 3.13, 3.14, 3.27 to 3.30 */
const Level = z.enum(['none', 'note', 'warning', 'error'])
const Text = z.strictObject({ text: z.string().min(1) })
const SarifLog = z.strictObject({
  $schema: z.url(),
  version: z.literal('2.1.0'),
  runs: z.array(
    z.strictObject({
      tool: z.strictObject({
        driver: z.strictObject({
          name: z.string().min(1),
          rules: z.array(
            z.strictObject({
              id: z.string().min(1),
              shortDescription: Text,
              defaultConfiguration: z.strictObject({ level: Level }),
            }),
          ),
        }),
      }),
      columnKind: z.enum(['utf16CodeUnits', 'unicodeCodePoints']),
      results: z.array(
        z.strictObject({
          ruleId: z.string(),
          ruleIndex: z.int().min(0),
          level: Level,
          message: Text,
          locations: z.array(
            z.strictObject({
              physicalLocation: z.strictObject({
                artifactLocation: z.strictObject({ uri: z.string().regex(/^[A-Za-z0-9._~:/%()!*'@-]+$/) }),
                region: z.strictObject({ startLine: z.int().min(1), startColumn: z.int().min(1) }),
              }),
              logicalLocations: z.array(z.strictObject({ fullyQualifiedName: z.string().min(1) })),
            }),
          ),
        }),
      ),
    }),
  ),
})

test('--sarif writes SARIF 2.1.0, every result with its rule', async () => {
  const sarif = join(dir, 'out.sarif')
  expect((await run(file('wrong'), file('short'), file('good'), '--sarif', sarif)).code).toBe(1)
  const log = SarifLog.parse(JSON.parse(await readFile(sarif, 'utf8')))
  const [{ tool, results } = { tool: { driver: { rules: [] } }, results: [] }] = log.runs
  expect(results.map(({ level, ruleId }) => `${level} ${ruleId}`)).toEqual([
    'warning short-window',
    'error critical-is-the-number-of-the-query',
  ])
  for (const { ruleId, ruleIndex } of results) expect(tool.driver.rules[ruleIndex]).toMatchObject({ id: ruleId })
  await run(file('good'), '--sarif', sarif)
  expect(SarifLog.parse(JSON.parse(await readFile(sarif, 'utf8'))).runs[0]?.results).toEqual([])
})

test('--junit writes one case per monitor, which fails by what fails the check', async () => {
  const junit = join(dir, 'junit.xml')
  await run(file('wrong'), file('short'), file('good'), '--junit', junit)
  const xml = await readFile(junit, 'utf8')
  expect(xml).toMatch(/<testsuite name="check" [^>]*failures="1"/)
  expect(xml.match(/<testcase /g)).toHaveLength(3)
  await run(file('wrong'), file('short'), file('broken'), '--junit', junit, '--strict')
  expect(await readFile(junit, 'utf8')).toMatch(/failures="3"/)
})

test('--log names the terms that no event has', async () => {
  const { out } = await run(file('good'), '--log', join(dir, 'log.jsonl'))
  expect(out).toContain('warning: good: query: `@evt:login` matched no event')
})

test('--quiet leaves out the notes, and a file that cannot be written gives exit code 3', async () => {
  const grouped = { ...monitor, query: monitor.query.replace('.last', '.by("@ip").last') }
  await writeFile(file('grouped'), JSON.stringify(grouped))
  expect((await run(file('grouped'))).out).toContain(': note: ')
  expect((await run(file('grouped'), '--quiet')).out).toBe('')
  expect((await run(file('good'), '--sarif', join(dir, 'no', 'such', 'folder'))).code).toBe(3)
})

test('no control character of a monitor reaches the terminal', async () => {
  await writeFile(file('escape'), JSON.stringify({ ...monitor, options: { '\u001b[31m': 1 } }))
  const { out } = await run(file('escape'))
  expect(out).toContain('\\u{1b}[31m')
  expect(out).not.toContain('\u001b')
})

test('--summary appends the findings as Markdown, --navigator writes the techniques of the tags', async () => {
  const tagged = join(dir, 'tagged.json')
  await writeFile(tagged, JSON.stringify({ ...short, tags: ['technique:T1110.004', 'tactic:TA0006', 'team:x'] }))
  const [summary, layer] = [join(dir, 'summary.md'), join(dir, 'layer.json')]
  expect(await run(tagged, '--summary', summary, '--navigator', layer)).toMatchObject({ code: 0 })
  const markdown = await readFile(summary, 'utf8')
  expect(markdown).toMatch(
    /^## alertproof check\n\n1 monitor: 0 errors, 1 warning, \d notes?\.\n\n\| level \| place \|/,
  )
  expect(markdown).toContain('\n| warning | ')
  expect(JSON.parse(await readFile(layer, 'utf8'))).toMatchObject({
    domain: 'enterprise-attack',
    techniques: [
      { techniqueID: 'T1110', showSubtechniques: true },
      { techniqueID: 'T1110.004', score: 1, comment: 'tagged' },
    ],
  })
})
