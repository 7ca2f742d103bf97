import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadMonitors, type SearchMonitor } from 'alertproof'

import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadDetections, runCase } from '../../detections/harness.ts'
import { claimsOf } from '../claims/claims.ts'
import { catalogueOf, FAULT_KINDS, type Fault, faultOf, POINTS, versionOf } from './catalogue.ts'
import { ctfdCsv, flagOf } from './ctfd.ts'
import { faultyText } from './faulty-text.ts'
import { grade, type Verified } from './grade.ts'
import { readExercise, writeExercise } from './working-copy.ts'

const FROM = 'detections'
const detections = await loadDetections(FROM)
const catalogue = catalogueOf(detections)
const originals = detections.map(({ monitor }) => monitor)

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ato exercise '))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const nameOf = ({ detection, mutant }: Fault) => `${detection.monitor.slug}: ${mutant.name}`

test('every fault of the catalogue fails a case, so that a grade can tell it', () => {
  const untold = catalogue.filter(({ detection, mutant }) => {
    const cases = [...detection.cases, ...claimsOf(detection.monitor, detection.proof)]
    return !cases.some((each) =>
      (['arrival', 'cadence'] as const).some((mode) => runCase(mutant.monitor, each, mode).faults.length > 0),
    )
  })
  expect(untold.map(nameOf)).toEqual([])
})

test('every fault of the catalogue can be written into the file of its detection, in one line or two', async () => {
  for (const fault of catalogue) {
    const text = await readFile(fault.detection.monitor.file, 'utf8')
    const faulty = faultyText(text, fault).split('\n')
    const changed = text.split('\n').filter((line, i) => line !== faulty[i])
    expect(changed, nameOf(fault)).toHaveLength(fault.kind === 'threshold' ? 2 : 1)
  }
})

test('the catalogue has faults of each kind, each once, in most detections', () => {
  for (const kind of FAULT_KINDS) expect(catalogue.filter((fault) => fault.kind === kind).length).toBeGreaterThan(20)
  expect(new Set(catalogue.map(({ detection }) => detection.monitor.slug)).size).toBeGreaterThan(10)
  const faults = catalogue.map(({ detection, mutant }) => `${detection.monitor.slug} ${mutant.after}`)
  expect(new Set(faults).size).toBe(faults.length)
})

test('a seed always names the same fault, and seeds name faults of every kind', () => {
  const faults = Array.from({ length: 60 }, (_, seed) => faultOf(seed, catalogue))
  expect(faults).toEqual(Array.from({ length: 60 }, (_, seed) => faultOf(seed, catalogue)))
  expect(new Set(faults.map(({ kind }) => kind)).size).toBe(FAULT_KINDS.length)
  expect(new Set(faults.map(nameOf)).size).toBeGreaterThan(30)
})

async function workingCopy(seed: number): Promise<{ folder: string; fault: Fault; monitors: SearchMonitor[] }> {
  const folder = join(dir, `exercise-${seed}`)
  const fault = faultOf(seed, catalogue)
  await writeExercise(folder, {
    from: FROM,
    monitors: originals,
    fault,
    exercise: { seed, catalogue: versionOf(catalogue) },
  })
  return { folder, fault, monitors: await loadMonitors(join(folder, 'detections')) }
}

test.each([3, 7, 11])(
  'the working copy of exercise %i differs in one monitor, and nowhere tells which',
  async (seed) => {
    const { folder, fault, monitors } = await workingCopy(seed)
    expect(monitors.map(({ slug }) => slug)).toEqual(originals.map(({ slug }) => slug))
    expect(await readExercise(folder)).toEqual({ seed, catalogue: versionOf(catalogue) })
    expect(await readFile(join(folder, 'exercise.json'), 'utf8')).not.toContain(fault.detection.monitor.slug)
    const before = await Promise.all(originals.map(({ file }) => readFile(file, 'utf8')))
    const after = await Promise.all(monitors.map(({ file }) => readFile(file, 'utf8')))
    const changed = monitors.filter((_, i) => after[i] !== before[i])
    expect(changed.map(({ slug }) => slug)).toEqual([fault.detection.monitor.slug])
    const files = await readdir(join(folder, 'detections'))
    expect(files).toEqual(expect.arrayContaining(['webhook.json', 'siem-webhook.json', 'pipeline.json']))
    expect((await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.ts'))).toEqual([])
  },
)

const verdict = (ok: boolean): Verified => ({
  scenario: { slug: 'x', target: 'web', ok },
  faults: ok ? [] : ['no alert'],
})
const never = () => Promise.reject(new Error('must not be asked'))

/** The working copy with the monitor of the fault as it should be. */
const repaired = (monitors: readonly SearchMonitor[], { detection }: Fault): SearchMonitor[] =>
  monitors.map((monitor) => (monitor.slug === detection.monitor.slug ? detection.monitor : monitor))

test.each([3, 7, 11])('exercise %i unrepaired earns nothing, tells nothing, and attacks nothing', async (seed) => {
  const { fault, monitors } = await workingCopy(seed)
  const { solved, points, out_of, checks } = await grade({ fault, detections, monitors, verify: never })
  expect({ solved, points, out_of }).toEqual({ solved: false, points: 0, out_of: POINTS[fault.kind] })
  expect(checks.map(({ check, ok }) => [check, ok])).toEqual([
    ['cases', false],
    ['verify', false],
    ['mutants', false],
    ['others', true],
  ])
  expect(JSON.stringify(checks)).not.toContain(fault.detection.monitor.slug)
})

test.each([3, 7, 11])('exercise %i repaired earns all points', async (seed) => {
  const { fault, monitors } = await workingCopy(seed)
  const verify = async () => [verdict(true)]
  const graded = await grade({ fault, detections, monitors: repaired(monitors, fault), verify })
  expect(graded).toMatchObject({ solved: true, points: POINTS[fault.kind] })
  expect(graded.checks.reduce((sum, { out_of }) => sum + out_of, 0)).toBe(graded.out_of)
})

test('a repair that the lab does not confirm, or that breaks another detection, earns less', async () => {
  const { fault, monitors } = await workingCopy(3)
  const good = repaired(monitors, fault)
  const unconfirmed = await grade({ fault, detections, monitors: good, verify: async () => [verdict(false)] })
  expect(unconfirmed).toMatchObject({ solved: false, points: POINTS[fault.kind] * 0.6 })
  expect(unconfirmed.checks[1]?.detail).toBe('x on web: no alert')
  const seed = Array.from({ length: 50 }, (_, i) => i).find((i) => faultOf(i, catalogue).detection !== fault.detection)
  const other = await workingCopy(seed ?? expect.fail('every seed names one detection'))
  const slug = other.fault.detection.monitor.slug
  const broken = good.map(
    (monitor) => other.monitors.find((each) => each.slug === slug && monitor.slug === slug) ?? monitor,
  )
  const graded = await grade({ fault, detections, monitors: broken, verify: async () => [verdict(true)] })
  expect(graded).toMatchObject({ solved: false, points: POINTS[fault.kind] * 0.9 })
  expect(graded.checks[3]?.detail).toBe(`broken: ${slug}`)
  const gone = await grade({ fault, detections, monitors: good.slice(1), verify: async () => [verdict(true)] })
  expect(gone.solved).toBe(false)
})

test('a repair in other words is as good', async () => {
  const { fault, monitors } = await workingCopy(3)
  const { monitor } = fault.detection
  const folder = join(dir, 'reworded', monitor.slug)
  const json = JSON.parse(await readFile(monitor.file, 'utf8'))
  const reworded = json.query.replace('service:mini-ato-saas env:prod', 'env:prod AND service:mini-ato-saas')
  expect(reworded).not.toBe(json.query)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'monitor.json'), JSON.stringify({ ...json, query: reworded }))
  const [own] = await loadMonitors(join(dir, 'reworded'))
  const all = monitors.map((each) => (each.slug === monitor.slug && own ? own : each))
  const graded = await grade({ fault, detections, monitors: all, verify: async () => [verdict(true)] })
  expect(graded.checks).toMatchObject([{ ok: true }, { ok: true }, { ok: true }, { ok: true }])
})

/** The rows of RFC 4180, by the names of their columns. */
function rowsOf(text: string): Record<string, string>[] {
  const cells = [...text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)].map(([, quoted, plain = '', end]) => ({
    cell: quoted?.replaceAll('""', '"') ?? plain,
    ends: end !== ',',
  }))
  const rows: string[][] = [[]]
  for (const { cell, ends } of cells) {
    rows.at(-1)?.push(cell)
    if (ends) rows.push([])
  }
  const [names = [], ...values] = rows.filter((row) => row.length > 0)
  return values.map((row) => Object.fromEntries(names.map((name, i) => [name, row[i] ?? ''])))
}

test('the export is what CTFd imports: one row per challenge, no comma in what it splits', () => {
  const challenges = [1, 2, 3].map((seed) => ({ seed, fault: faultOf(seed, catalogue) }))
  const rows = rowsOf(ctfdCsv(challenges, 'key'))
  expect(rows).toHaveLength(3)
  for (const [i, row] of rows.entries()) {
    const { seed, fault } = challenges[i] ?? expect.fail('a row without a challenge')
    expect(row).toMatchObject({ value: String(POINTS[fault.kind]), type: 'standard', state: 'visible' })
    expect(row.flags).toBe(flagOf(seed, fault, 'key'))
    expect(row.flags).toMatch(/^ato\{[0-9a-f]{32}\}$/)
    expect(`${row.flags}${row.tags}${row.hints}`).not.toContain(',')
    expect(row.description).toContain(`npm start -- --exercise ${seed}`)
    expect(JSON.stringify(row)).not.toContain(fault.detection.monitor.slug)
  }
  expect(new Set(rows.map(({ flags }) => flags)).size).toBe(3)
  expect(ctfdCsv(challenges, 'other')).not.toContain(rows[0]?.flags)
})
