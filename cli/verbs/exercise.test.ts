import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { runCaptured } from 'alertproof/cli'
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest'
import type { RunFile } from '../../lab/start/run-file.ts'
import { removeLab } from '../../lab/stores/remove.ts'
import { loadExercises } from '../exercise/exercises.ts'
import type { Report } from '../exercise/grade.ts'
import { command } from './exercise.ts'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))
const PROJECT = fileURLToPath(new URL('../..', import.meta.url))
const PORTS = ['--port', '0', '--functions-port', '0', '--datadog-port', '0']

/** A lab starts, and attacks run in it. */
const LONG = { timeout: 180_000 }

let dir: string
let running: ChildProcess[] = []
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ato exercise '))
})
afterEach(async () => {
  await Promise.all(running.map((child) => stop(child)))
})
afterAll(() => removeLab(dir))

async function stop(child: ChildProcess): Promise<void> {
  running = running.filter((other) => other !== child)
  if (child.exitCode !== null) return
  const ended = new Promise((resolve) => child.once('close', resolve))
  child.kill('SIGTERM')
  await ended
}

interface Lab {
  run: RunFile
  child: ChildProcess
  /** Everything on the terminal so far. */
  said(): string
  /** Resolves once the terminal has shown a text. */
  says(text: string): Promise<void>
}

async function startLab(...argv: string[]): Promise<Lab> {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, 'start', '--json', ...PORTS, ...argv, '--dir', dir], {
    cwd: PROJECT,
    env: { ...process.env, DATABASE_URL: inject('databaseUrl'), TABLES_CONNECTION: inject('tablesConnection') },
  })
  running.push(child)
  let text = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  for await (const line of createInterface({ input: child.stdout })) {
    return {
      run: JSON.parse(line),
      child,
      said: () => text,
      async says(wanted) {
        while (!text.includes(wanted)) await new Promise((resolve) => child.stderr.once('data', resolve))
      },
    }
  }
  throw new Error(text)
}

async function gradeIt(...argv: string[]): Promise<{ code: number; report: Report; err: string }> {
  const { code, out, err } = await runCaptured(command, ['grade', '--json', '--dir', dir, ...argv])
  return { code, err, report: JSON.parse(out || 'null') }
}

const exercises = await loadExercises()

test.skipIf(process.platform === 'win32').each([
  [9, 'session-reuse'],
  [18, 'reauthentication-guessing'],
])('exercise %i is found in %s, repaired in the running lab and graded', LONG, async (seed, slug) => {
  expect(exercises.faultOf(seed).detection.monitor.slug).toBe(slug)
  const original = await readFile(join(PROJECT, 'detections', slug, 'monitor.json'), 'utf8')
  const lab = await startLab('--exercise', String(seed))
  await lab.says(`npm run exercise -- grade`)
  expect(lab.said()).toContain(`Exercise ${seed} runs: one monitor has a fault.`)
  expect(lab.said().slice(lab.said().indexOf('Exercise'))).not.toContain(slug)
  const info = await (await fetch(`${lab.run.urls.datadog}/lab/console`)).json()
  expect(info).toMatchObject({ exercise: String(seed) })

  const before = await gradeIt()
  expect(before).toMatchObject({
    code: 1,
    report: { exercise: seed, solved: false, points: 0, flag: null, answer: null },
  })
  expect(JSON.stringify(before)).not.toContain(slug)
  const shown = await runCaptured(command, ['grade', '--dir', dir])
  expect(shown).toMatchObject({ code: 1, out: expect.stringMatching(/no +its cases +0 of \d+/) })

  const file = join(dir, 'exercise', 'detections', slug, 'monitor.json')
  await writeFile(file, original.replace('"query"', '"query'))
  await lab.says('Refused: ')
  expect(await gradeIt()).toMatchObject({
    code: 1,
    report: { points: 0, checks: [{ detail: expect.stringContaining('monitor.json') }, {}, {}, {}] },
  })

  await writeFile(file, original)
  await lab.says(`${slug}/monitor.json was read anew`)
  const after = await gradeIt('--seed', String(seed))
  expect(after.report.checks.filter(({ ok }) => !ok)).toEqual([])
  expect(after).toMatchObject({ code: 0, report: { solved: true, answer: { detection: slug } } })
  expect(after.report.points).toBe(after.report.out_of)
  expect(after.report.flag).toMatch(/^ato\{[0-9a-f]{32}\}$/)

  expect(await gradeIt('--seed', '4')).toMatchObject({
    code: 1,
    err: expect.stringContaining(`runs exercise ${seed}, not 4`),
  })
  expect(await readFile(join(PROJECT, 'detections', slug, 'monitor.json'), 'utf8')).toBe(original)
  await stop(lab.child)
})

test.skipIf(process.platform === 'win32')('the same seed goes on with the repaired copy', LONG, async () => {
  const lab = await startLab('--exercise', '18')
  await lab.says('What you have changed there before is kept.')
  const [own, original] = await Promise.all(
    [join(dir, 'exercise'), PROJECT].map((root) =>
      readFile(join(root, 'detections', 'reauthentication-guessing', 'monitor.json'), 'utf8'),
    ),
  )
  expect(own).toBe(original)
})

test.skipIf(process.platform === 'win32')(
  'without an exercise there is nothing to grade, and what to do is said',
  LONG,
  async () => {
    const none = await gradeIt()
    expect(none).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^No lab runs in .*: npm start -- --exercise 7\n$/),
    })
    const lab = await startLab()
    const plain = await gradeIt()
    expect(plain).toMatchObject({
      code: 1,
      err: expect.stringMatching(/runs no exercise\. .*npm start -- --exercise 7\n$/),
    })
    await stop(lab.child)
  },
)

test('export writes a file for CTFd', async () => {
  const file = join(dir, 'challenges.csv')
  const { code, err } = await runCaptured(command, ['export', '--ctfd', file, '--seeds', '5-8'])
  expect({ code, err }).toEqual({
    code: 0,
    err: expect.stringMatching(/^4 challenges for CTFd in .*EXERCISE_KEY is not set/s),
  })
  expect(
    (await readFile(file, 'utf8')).split('\r\n').filter((line) => /^Broken detection \d+,/.test(line)),
  ).toHaveLength(4)
})

test.each([
  [[], 'Missing command: grade or export.'],
  [['grad'], 'Unknown command "grad". Did you mean "grade"?'],
  [['grade', '--seed', 'x'], '--seed x: must be a whole number'],
  [['export'], 'Missing --ctfd FILE'],
  [['export', '--ctfd', 'x.csv', '--seeds', '9-3'], '--seeds 9-3: must not end before it begins'],
  [['export', '--ctfd', 'x.csv', '--seeds', 'all'], '--seeds all: must be a seed or FROM-TO'],
  [['export', '--ctfd', 'x.csv', '--seeds', '1-5000'], 'names 5000 exercises; at most 1000'],
])('unusable arguments are named: %j', async (argv, message) => {
  await expect(runCaptured(command, argv)).rejects.toThrow(message)
})
