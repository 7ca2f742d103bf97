import { access, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { compileSearch, logOfEvent, type SearchMonitor } from 'alertproof'
import { attackBySlug, attacks } from '../../attacks/index.ts'
import type { Detection } from '../../detections/harness.ts'
import { type Profile, profiles } from '../../detections/profiles.ts'
import { attackRecordRules } from './attack-records.ts'
import type { Report, ReportIn } from './finding.ts'
import { tagsOf } from './rules.ts'
import { type Runbook, runbookRules } from './runbook-rules.ts'

/**
 * Reports what is missing beside the monitor of a detection.
 * @param root the project's folder
 */
export async function companionRules(monitor: SearchMonitor, root: string, reportIn: ReportIn): Promise<void> {
  const { slug } = monitor
  const report = reportIn(monitor.file)
  const [id] = tagsOf(monitor, 'runbook')
  const companions = {
    cases: `detections/${slug}/cases.ts`,
    attack: `attacks/${slug}.ts`,
    'benign twin': `attacks/${slug}.twin.ts`,
    runbook: `runbooks/${id}-${slug}.md`,
  }
  for (const [what, path] of Object.entries(companions)) {
    if (!(await exists(join(root, path)))) report('', `has no ${what}`, `write ${path}`)
    else if (what === 'attack' && !attackBySlug(slug)) {
      report('', 'has an attack that is not listed', `call it slug: '${slug}', and add it to attacks/index.ts`)
    }
  }
  profileRules(slug, report, reportIn(join(root, 'detections/profiles.ts')))
  attackRecordRules(monitor, companions.runbook, (attack) => reportIn(join(root, `attacks/${attack}.ts`)))
  await caseRules(monitor, join(root, companions.cases), reportIn)
  const runbooks = await readRunbooks(root)
  runbookNumberRule(monitor, runbooks, report)
  const runbook = runbooks.find(({ file }) => `runbooks/${file}` === companions.runbook)
  if (runbook) runbookRules(monitor, runbook, runbooks, reportIn(join(root, companions.runbook)))
  const page = await readFile(join(root, 'docs/detections.md'), 'utf8').catch(() => '')
  if (!page.includes(`detections/${slug}/monitor.json`)) report('', 'is not in docs/detections.md', 'run npm run docs')
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

async function readRunbooks(root: string): Promise<Runbook[]> {
  const files = (await readdir(join(root, 'runbooks'))).filter((name) => name.endsWith('.md')).sort()
  return Promise.all(files.map(async (file) => ({ file, text: await readFile(join(root, 'runbooks', file), 'utf8') })))
}

/** @param report of the monitor @param reportProfile of the file of profiles */
function profileRules(slug: string, report: Report, reportProfile: Report): void {
  const prod: Profile = profiles.prod
  const setting = Object.hasOwn(prod, slug) ? prod[slug] : undefined
  if (!setting) {
    report('', 'has no threshold for real traffic', 'add it to detections/profiles.ts, with its source')
    return
  }
  const { threshold, window, source } = setting
  if (source.length <= SOURCE_LEAST) reportProfile(slug, 'has no source', 'say where the number comes from, and why')
  if (/^as in the file/.test(source) !== (threshold === undefined && window === undefined)) {
    reportProfile(
      slug,
      'has a source that does not fit it',
      'begin with "as in the file" where nothing is changed, and nowhere else',
    )
  }
}

/** Characters. */
const SOURCE_LEAST = 20

/** A runbook's number belongs to one detection. */
function runbookNumberRule(monitor: SearchMonitor, runbooks: readonly Runbook[], report: Report): void {
  const [id] = tagsOf(monitor, 'runbook')
  const names = runbooks.map(({ file }) => file)
  const other = names.find((name) => name.startsWith(`${id}-`) && name !== `${id}-${monitor.slug}.md`)
  if (other === undefined) return
  const last = Math.max(...names.map((name) => Number(/^ATO-(\d{3})-/.exec(name)?.[1] ?? 0)))
  const free = `ATO-${String(last + 1).padStart(3, '0')}`
  report('tags', `runbook:${id} is ${other}`, `say runbook:${free}, the next that is free`)
}

/** @param file of the cases; one that does not exist was reported before */
async function caseRules(monitor: SearchMonitor, file: string, reportIn: ReportIn): Promise<void> {
  if (!(await exists(file))) return
  const report = reportIn(file)
  let exported: Partial<Detection>
  try {
    exported = await import(pathToFileURL(file).href)
  } catch (error) {
    report('', `cannot be loaded: ${String(error)}`, 'correct it')
    return
  }
  const { cases, proof } = exported
  if (!cases?.some(({ fires }) => fires)) report('cases', 'none fires', 'export const cases: add the attack')
  if (!cases?.some(({ fires }) => !fires)) {
    report('cases', 'none stays silent', 'export const cases: add the honest people who resemble the attack')
  }
  if (typeof proof?.counts !== 'function' || typeof proof.almost !== 'function') {
    report(
      'proof',
      'is missing',
      'export const proof: its function counts makes an event that counts, almost one that does not',
    )
  } else if (!compileSearch(monitor.parsed.search)(logOfEvent({ ...proof.counts(0, 0, 0) }))) {
    report('proof.counts', 'makes an event that the query does not find', 'make an event of this detection')
  }
}

/** Reports runbooks, attacks and thresholds that belong to no detection. */
export async function orphanRules(root: string, reportIn: ReportIn): Promise<void> {
  const isDetection = (slug: string) => exists(join(root, 'detections', slug, 'monitor.json'))
  for (const { file } of await readRunbooks(root)) {
    const [, slug = ''] = /^ATO-\d{3}-(.+)\.md$/.exec(file) ?? []
    if (slug === '') reportIn(join(root, 'runbooks', file))('', 'has no number', 'call it ATO-0NN-<slug>.md')
    else if (!(await isDetection(slug))) {
      const remedy = `write detections/${slug}/monitor.json, or remove the runbook`
      reportIn(join(root, 'runbooks', file))('', 'is the runbook of no detection', remedy)
    }
  }
  for (const { slug, trips } of attacks) {
    if (trips !== undefined && !(await isDetection(trips))) {
      reportIn(join(root, `attacks/${slug}.ts`))(
        'trips',
        `is ${trips}, which is no detection`,
        'name a folder of detections/',
      )
    }
  }
  for (const slug of Object.keys(profiles.prod)) {
    if (await isDetection(slug)) continue
    reportIn(join(root, 'detections/profiles.ts'))(
      slug,
      'is no detection',
      `write detections/${slug}/monitor.json, or remove it`,
    )
  }
}
