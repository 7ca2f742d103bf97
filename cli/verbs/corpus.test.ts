import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCaptured, UsageError } from 'alertproof/cli'
import { expect, test } from 'vitest'
import { command } from './corpus.ts'

const run = (...argv: string[]) => runCaptured(command, argv)

test('--json prints the result, and --out writes every event', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'corpus '))
  const file = join(dir, 'events.jsonl')
  const { code, out } = await run('--events', '4000', '--json', '--out', file)
  const report: { events: number; detections: { detection: string }[] } = JSON.parse(out)
  expect(code).toBe(0)
  expect(report.detections.find(({ detection }) => detection === 'session-reuse')).toMatchObject({
    threshold: '> 1',
    nearest: 1,
    alerts: { arrival: [], cadence: [] },
  })
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
  expect(lines).toHaveLength(report.events)
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ service: 'mini-ato-saas', env: 'prod' })
  await rm(dir, { recursive: true })
})

test('a threshold that ordinary use crosses gives a false alert and exit code 1', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'corpus '))
  await mkdir(join(dir, 'credential-stuffing'))
  const monitor = await readFile('detections/credential-stuffing/monitor.json', 'utf8')
  const jumpy = monitor.replace('> 10', '> 2').replace('"critical": 10', '"critical": 2')
  await writeFile(join(dir, 'credential-stuffing', 'monitor.json'), jumpy)
  const { code, out, err } = await run('--events', '8000', '--profile', 'demo', '--detections', dir)
  expect(code).toBe(1)
  expect(out).toMatch(/credential-stuffing +[1-9]/)
  expect(err).toMatch(/[1-9]\d* false alerts/)
  await rm(dir, { recursive: true })
})

test.each([
  ['--events', 'many'],
  ['--seed', '1.5'],
  ['--office', '0'],
  ['--profile', 'nonsense'],
  ['--detections', 'nowhere'],
])('%s %s does not fit', async (...argv) => {
  await expect(run(...argv)).rejects.toThrow(UsageError)
})
