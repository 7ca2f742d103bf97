import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { UsageError } from '../command.ts'
import { runCaptured } from '../testing.ts'
import { command } from './mutate.ts'

const MONITOR = `{ name: Many, type: log alert, query: 'logs("@a:b @c:d").index("*").rollup("count").last("5m") > 1', options: { thresholds: { critical: 1 }, on_missing_data: resolve } }`
const caseOf = (log: string, expected: string) => `monitor: ${MONITOR}\nlog: [${log}]\nexpect: [${expected}]\n`
const TWO = '{ at: 5s, times: 2, every: 1s, a: b, c: d }'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mutate-'))
  await writeFile(join(dir, 'attack.yaml'), caseOf(TWO, '{ at: 1m, value: 2 }'))
  return () => rm(dir, { recursive: true })
})
const run = (...argv: string[]) => runCaptured(command, argv)
const slipsOf = (out: string) =>
  out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { mutant: string; killed_by: string | null; equivalent: string | null })

test('slips that no case notices are printed as a difference', async () => {
  const { code, out, err } = await run(dir)
  expect(code).toBe(1)
  expect(out).toContain(`many  search: without @c:d
  query
    - logs("@a:b AND @c:d").index("*").rollup("count").last("5m") > 1
    + logs("@a:b").index("*").rollup("count").last("5m") > 1
`)
  expect(err).toMatch(/^many: \d+ slips, \d+ not noticed\.\n$/)
  await writeFile(join(dir, 'quiet.yaml'), caseOf('{ at: 5s, times: 2, a: b }', ''))
  expect((await run(dir)).out).not.toContain('without @c:d')
  expect((await run(dir, '--all')).out).toMatch(/^noticed +many +search: without @c:d +quiet$/m)
})

test('--json prints each slip; those in a file of equivalents pass as long as the file is true', async () => {
  const { code, out } = await run(dir, '--json')
  expect(code).toBe(1)
  const slips = slipsOf(out)
  expect(slips.find(({ mutant }) => mutant === 'threshold: 1 → 2')).toEqual({
    ...{ monitor: 'many', mutant: 'threshold: 1 → 2', place: 'query' },
    before: 'logs("@a:b AND @c:d").index("*").rollup("count").last("5m") > 1',
    after: 'logs("@a:b AND @c:d").index("*").rollup("count").last("5m") > 2',
    ...{ killed_by: 'attack', equivalent: null },
  })
  const left = slips.filter(({ killed_by, equivalent }) => killed_by === null && equivalent === null)
  expect(left.length).toBeGreaterThan(0)
  const file = join(dir, 'equivalents.json')
  const reasons = Object.fromEntries(left.map(({ mutant }) => [mutant, 'nobody minds']))
  await writeFile(file, JSON.stringify({ many: reasons }))
  expect(await run(dir, '--equivalents', file)).toMatchObject({ code: 0, out: '' })
  await writeFile(file, JSON.stringify({ many: { ...reasons, 'threshold: 1 → 2': 'x', 'threshold: 1 → 9': 'x' } }))
  expect(await run(dir, '--equivalents', file)).toMatchObject({
    code: 1,
    err: expect.stringMatching(
      /many: threshold: 1 → 2: is called equivalent, and attack notices it\nmany: threshold: 1 → 9: is called equivalent, and there is no such slip\n$/,
    ),
  })
})

test('--summary appends the slips that are not noticed as Markdown', async () => {
  const file = join(dir, 'summary.md')
  await run(join(dir, 'attack.yaml'), '--summary', file)
  const summary = await readFile(file, 'utf8')
  expect(summary).toMatch(/^## alertproof mutate: \d+ slips are not noticed\n\n\d+ slips: \d+ noticed, /)
  expect(summary).toContain('\n| many | search: without \\@c:d | query |\n')
  expect(await run(join(dir, 'attack.yaml'), '--summary', join(dir, 'none/summary.md'))).toMatchObject({ code: 3 })
})

test('a case that does not hold tells nothing of slips', async () => {
  await writeFile(join(dir, 'wrong.yaml'), caseOf(TWO, ''))
  expect(await run(dir)).toEqual({
    code: 1,
    out: '',
    err: `${dir}/wrong.yaml does not hold:\n  unexpected  Triggered many * at 1m, value 2\n`,
  })
})

test('what cannot be read gives exit code 3', async () => {
  const file = join(dir, 'equivalents.json')
  await expect(run()).rejects.toThrow(UsageError)
  expect((await run(join(dir, 'none'))).code).toBe(3)
  expect((await run(dir, '--equivalents', file)).code).toBe(3)
  for (const wrong of ['[]', '{"many": []}', '{"many": {"a": ""}}', '{']) {
    await writeFile(file, wrong)
    expect((await run(join(dir, 'attack.yaml'), '--equivalents', file)).code, wrong).toBe(3)
  }
  await writeFile(join(dir, 'broken.yaml'), 'monitor: [')
  expect((await run(dir)).code).toBe(3)
})
