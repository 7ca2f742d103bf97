import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Monitor, MonitorError, readImportable } from 'alertproof'
import { attacks } from '../../attacks/index.ts'
import { policyFor } from '../../shared/containment/policy.ts'
import type { Report, ReportIn } from './finding.ts'

/**
 * Compares what people wrote into the documents about all detections with the detections: lists must have each of them
 * once, in its row, and counts must be right.
 * @param root the project
 */
export async function documentRules(root: string, reportIn: ReportIn): Promise<void> {
  const monitors = await readMonitors(join(root, 'detections'))
  const read = (path: string) => readFile(join(root, path), 'utf8').catch(() => '')
  const containment = 'docs/containment.md'
  actionRule(await read(containment), monitors, reportIn(join(root, containment)))
  const proving = 'docs/proving-detections.md'
  const text = await read(proving)
  windowRule(text, monitors, reportIn(join(root, proving)))
  corpusRule(text, monitors, reportIn(join(root, proving)))
  const counts = { detections: monitors.length, runbooks: monitors.length, attacks: attacks.length }
  for (const path of await documentsOf(root)) countRule(await read(path), counts, reportIn(join(root, path)))
}

/** Monitors that cannot be read are reported by the rules for monitors. */
async function readMonitors(dir: string): Promise<Monitor[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => [])
  const monitors: Monitor[] = []
  for (const { name } of entries.filter((entry) => entry.isDirectory())) {
    const file = join(dir, name, 'monitor.json')
    const text = await readFile(file, 'utf8').catch(() => undefined)
    if (text === undefined) continue
    try {
      monitors.push(readImportable(text, file))
    } catch (error) {
      if (!(error instanceof MonitorError)) throw error
    }
  }
  return monitors
}

async function documentsOf(root: string): Promise<string[]> {
  const pages = await readdir(join(root, 'docs')).catch((): string[] => [])
  return ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...pages.map((name) => `docs/${name}`)].filter((path) =>
    path.endsWith('.md'),
  )
}

const ACTION_HEAD = '| action | of | detections |'

/** Each detection stands in the row of its policy's action. */
function actionRule(text: string, monitors: readonly Monitor[], report: Report): void {
  const rows = tableAfter(text, ACTION_HEAD, report)
  const listed = rows?.map(([action = '', , detections = '']) => ({ row: plain(action), names: namesIn(detections) }))
  if (!listed) return
  const expected = monitors.flatMap(({ slug }) => {
    const action = policyFor(slug)?.action
    return action === undefined ? [] : [{ slug, row: action }]
  })
  compare(`"${ACTION_HEAD}"`, listed, expected, report)
}

const WINDOW_HEAD = '| Detection | Window |'

/** Each detection stands in a row of its monitor's window. */
function windowRule(text: string, monitors: readonly Monitor[], report: Report): void {
  const rows = tableAfter(text, WINDOW_HEAD, report)
  const listed = rows?.map(([detections = '', window = '']) => ({ row: window, names: namesIn(detections) }))
  if (!listed) return
  const expected = monitors.map(({ slug, parsed }) => ({ slug, row: inWords(parsed.windowMs) }))
  compare(`"${WINDOW_HEAD}"`, listed, expected, report)
}

const CORPUS_HEAD = /^detection +alerts each minute/m

/** The output of the corpus has a line for each detection. */
function corpusRule(text: string, monitors: readonly Monitor[], report: Report): void {
  const start = CORPUS_HEAD.exec(text)?.index
  if (start === undefined) {
    report('', 'has no output of npm run corpus', 'paste it, or remove this rule from proof/lint/document-rules.ts')
    return
  }
  const [output = ''] = text.slice(start).split('```')
  for (const { slug } of monitors) {
    if (output.split('\n').some((line) => line.startsWith(`${slug} `))) continue
    report('output of npm run corpus', `lacks ${slug}`, 'run the command above it, and paste what it prints')
  }
}

interface Listed {
  readonly row: string
  readonly names: readonly string[]
}

function compare(
  place: string,
  listed: readonly Listed[],
  expected: readonly { readonly slug: string; readonly row: string }[],
  report: Report,
): void {
  for (const { slug, row } of expected) {
    const rows = listed.filter(({ names }) => names.includes(slug)).map((each) => each.row)
    if (rows.length === 0) report(place, `lacks ${slug}`, `add it to a row of ${row}`)
    else if (rows.length > 1) report(place, `has ${slug} in ${rows.length} rows`, `keep it in one row of ${row}`)
    else if (rows[0] !== row) report(place, `has ${slug} in a row of ${rows[0]}`, `move it to a row of ${row}`)
  }
  const known = expected.map(({ slug }) => slug)
  for (const name of listed.flatMap(({ names }) => names)) {
    if (!known.includes(name)) report(place, `has ${name}, which is not a detection`, 'remove it, or correct its name')
  }
}

/** The cells of the rows below a head. Undefined, with a finding, if the document has no such table. */
function tableAfter(text: string, head: string, report: Report): string[][] | undefined {
  const lines = text.split(/\r?\n/)
  const at = lines.findIndex((line) => line.startsWith(head))
  if (at === -1) {
    report('', `has no table "${head}"`, 'restore it, or remove its rule from proof/lint/document-rules.ts')
    return undefined
  }
  const rows = lines.slice(at + 2)
  const end = rows.findIndex((line) => !line.startsWith('|'))
  return rows.slice(0, end === -1 ? undefined : end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

const plain = (cell: string): string => cell.replaceAll('`', '')

const namesIn = (cell: string): string[] => plain(cell).split(', ')

/** `15 min`, `2 h` */
function inWords(ms: number): string {
  const minutes = ms / 60_000
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${minutes} min`
}

const UNITS = ['', ...'one two three four five six seven eight nine'.split(' ')]
const TEENS = 'ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(' ')
const TENS = 'twenty thirty forty fifty'.split(' ')
/** `ten` to `fifty-nine`. Smaller numbers count a part of the detections. */
const NUMBER_WORDS = [
  ...TEENS,
  ...TENS.flatMap((tens) => UNITS.map((unit) => (unit === '' ? tens : `${tens}-${unit}`))),
]
const COUNT = new RegExp(
  `\\b(${[...NUMBER_WORDS].sort((a, b) => b.length - a.length).join('|')}|[1-9]\\d)\\s+(detections|runbooks|attacks)\\b`,
  'gi',
)

/** Outside code blocks, whose output has a date of its own. */
function countRule(text: string, counts: Readonly<Record<string, number>>, report: Report): void {
  const prose = text.replace(/^```[\s\S]*?^```/gm, '')
  for (const [phrase, number = '', what = ''] of prose.matchAll(COUNT)) {
    const count = counts[what.toLowerCase()]
    const written = /^\d/.test(number) ? Number(number) : NUMBER_WORDS.indexOf(number.toLowerCase()) + 10
    if (written === count) continue
    report(`"${phrase.replace(/\s+/g, ' ')}"`, `is wrong: there are ${count}`, 'correct the number, or leave it out')
  }
}
