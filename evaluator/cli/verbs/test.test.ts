import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { InputError } from '../../input-error.ts'
import { UsageError } from '../command.ts'
import { runCaptured } from '../testing.ts'
import { command } from './test.ts'

const MONITOR = `{ name: Many, type: log alert, query: 'logs("@a:b").index("*").rollup("count").last("5m") > 0', options: { thresholds: { critical: 0 } } }`
const caseOf = (at: string) => `monitor: ${MONITOR}
log:
  - { at: 5s, a: b }
expect:
  - at: ${at}
    value: 1
`

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'test-'))
  await writeFile(join(dir, 'good.yaml'), caseOf('1m'))
  return () => rm(dir, { recursive: true })
})
const run = (...argv: string[]) => runCaptured(command, argv)

test('each case is printed with what does not hold, and the exit code is a verdict', async () => {
  expect(await run(dir)).toEqual({ code: 0, out: `holds    ${dir}/good.yaml: good\n`, err: '1 case: 1 hold.\n' })
  await writeFile(join(dir, 'bad.yaml'), caseOf('2m'))
  const { code, out, err } = await run(dir)
  expect(code).toBe(1)
  expect(out).toBe(
    `FAILS    ${dir}/bad.yaml: bad\n  different   Triggered many * at 1m: at\n    - 2m\n    + 1m\nholds    ${dir}/good.yaml: good\n`,
  )
  expect(err).toBe('2 cases: 1 hold, 1 fail.\n')
})

test('--json prints one line per case; --junit writes each as a test case', async () => {
  await writeFile(join(dir, 'bad.yaml'), caseOf('2m').replace('expect:', 'expect:\n  - at: 9m'))
  const report = join(dir, 'report.xml')
  const { code, out } = await run(dir, '--json', '--junit', report)
  expect(code).toBe(1)
  const [bad, good] = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  const found = { monitor: 'many', transition: 'Triggered', group: {}, at: '2026-01-05T09:01:00.000Z', value: 1 }
  const times = { expected: '2026-01-05T09:09:00.000Z', found: '2026-01-05T09:01:00.000Z' }
  expect(bad).toEqual({
    case: 'bad',
    file: join(dir, 'bad.yaml'),
    holds: false,
    changes: [{ ...found, expected: true, differences: [{ field: 'at', ...times }] }],
    missing: [{ monitor: 'many', transition: 'Triggered', group: {}, at: '2026-01-05T09:02:00.000Z' }],
    late: 0,
  })
  expect(good).toMatchObject({ case: 'good', holds: true, missing: [] })
  expect(await readFile(report, 'utf8')).toMatch(
    /tests="2" failures="1"[\s\S]*<failure message="different {3}Triggered many/,
  )
})

test('--update makes a case hold and says what it wrote', async () => {
  await writeFile(join(dir, 'bad.yaml'), caseOf('2m'))
  expect(await run(dir, '--update')).toMatchObject({
    code: 0,
    out: expect.stringContaining(`updated  ${dir}/bad.yaml: bad\n  different   Triggered many * at 1m: at\n`),
    err: '2 cases: 1 hold, 1 updated.\n',
  })
  expect((await run(dir)).code).toBe(0)
})

test('a case that cannot be read gives exit code 3; so does a folder without one', async () => {
  await writeFile(join(dir, 'bad.yaml'), 'monitor: [\n')
  expect(await run(dir)).toMatchObject({
    code: 3,
    err: expect.stringMatching(/bad\.yaml:\d+:\d+: [\s\S]*1 could not be read\.\n$/),
  })
  await rm(join(dir, 'bad.yaml'))
  await rm(join(dir, 'good.yaml'))
  expect(await run(dir)).toMatchObject({ code: 3, err: `${dir}: holds no case\n` })
  await expect(run()).rejects.toThrow(UsageError)
  await expect(run(dir, '--junit')).rejects.toThrow(UsageError)
  await writeFile(join(dir, 'good.yaml'), caseOf('1m'))
  expect((await run(dir, '--junit', join(dir, 'no/report.xml'))).code).toBe(3)
  expect(new InputError('x').name).toBe('InputError')
})

test('--summary appends a table of the cases', async () => {
  await writeFile(join(dir, 'bad.yaml'), caseOf('2m'))
  const summary = join(dir, 'summary.md')
  expect((await run(dir, '--summary', summary)).code).toBe(1)
  const markdown = await readFile(summary, 'utf8')
  expect(markdown).toContain('## alertproof test\n\n2 cases: 1 hold, 1 fail.\n\n| result | case | faults |')
  expect(markdown).toMatch(/\n\| fails \| .*bad\.yaml: bad \| different .*Triggered many \\\* at 1m/)
  expect(markdown).toMatch(/\n\| holds \| .*good\.yaml: good \| {2}\|\n/)
})
