import { type Monitor, parseSearch, SearchSyntaxError } from 'alertproof'
import { EVENTS, eventFields } from '../../shared/event.ts'
import { TACTICS, TECHNIQUES } from './attack-matrix.ts'
import type { Report } from './finding.ts'
import { canMatch } from './reach.ts'
import { tagsOf } from './rules.ts'

export interface Runbook {
  /** `ATO-001-credential-stuffing.md` */
  readonly file: string
  readonly text: string
}

/**
 * A runbook is written for its own monitor, and an analyst can paste what it asks.
 * @param all every runbook, this one among them
 */
export function runbookRules(monitor: Monitor, runbook: Runbook, all: readonly Runbook[], report: Report): void {
  headRules(monitor, runbook, report)
  sectionRules(runbook, report)
  monitorRule(monitor, runbook, report)
  questionRules(runbook, report)
  searchRules(runbook, report)
  fieldRules(runbook, report)
  copyRules(runbook, all, report)
}

/** Title and table at the top. */
function headRules({ slug, tags, priority }: Monitor, { text }: Runbook, report: Report): void {
  const [id = ''] = tagsOf({ tags }, 'runbook')
  const title = `${id} ${slug.replaceAll('-', ' ')}`
  const given = /^# (.+)$/m.exec(text)?.[1] ?? ''
  if (given.toLowerCase() !== title.toLowerCase()) report('title', `is "${given}"`, `write # ${capitalized(title)}`)
  const row = (name: string) => text.split('\n').find((line) => line.startsWith(`| ${name} |`)) ?? ''
  const monitorLink = `[\`detections/${slug}/monitor.json\`](../detections/${slug}/monitor.json), priority P${priority}`
  if (!row('Monitor').includes(monitorLink))
    report('Monitor', 'is not its own file and priority', `write ${monitorLink}`)
  const tryIt = `\`npm run attack -- run ${slug}\``
  if (!row('Try it').includes(tryIt)) report('Try it', 'does not run its own attack', `write ${tryIt}`)
  for (const id of tagsOf({ tags }, 'technique')) {
    const link = `[${id}](https://attack.mitre.org/techniques/${id.replace('.', '/')}/)`
    // A sub-technique is called by its own name, without that of its technique.
    const name = TECHNIQUES[id]?.name.split(': ').at(-1) ?? ''
    if (row('ATT&CK').includes(link) && row('ATT&CK').includes(name)) continue
    report('ATT&CK', `does not name ${id}, a tag of its monitor`, `write ${link} ${name}`)
  }
  for (const id of tagsOf({ tags }, 'tactic')) {
    const words = `${id} ${TACTICS[id] ?? ''}`
    if (!row('ATT&CK').includes(words)) report('ATT&CK', `does not name ${id}, a tag of its monitor`, `write ${words}`)
  }
}

const capitalized = (title: string): string => title.replace(/^(\S+ )(.)/, (_, id, letter) => id + letter.toUpperCase())

const SECTIONS = [
  'What it means',
  'First five minutes',
  'Questions',
  'False positives',
  'Blind spots',
  'Contain',
  'Recover',
  'Undo a wrong containment',
] as const

function sectionRules({ text }: Runbook, report: Report): void {
  for (const name of SECTIONS) {
    if (sectionOf(text, name).trim() === '') report(name, 'is missing', `write a section ## ${name}`)
  }
  if (!/^- \*\*.+?\*\*/ms.test(sectionOf(text, 'Blind spots'))) {
    report('Blind spots', 'names none', 'write each as - **What is not seen.** Why, and what to do instead.')
  }
}

const FENCE = /^```(\w*)\n([\s\S]*?)^```$/gm

function monitorRule({ query }: Monitor, { text }: Runbook, report: Report): void {
  const shown = [...text.matchAll(FENCE)].filter(([, name]) => name === 'monitor').map(([, , body = '']) => body.trim())
  if (shown.length === 1 && shown[0] === query) return
  report('```monitor', 'is not the query of its monitor', `show it in one block \`\`\`monitor: ${query}`)
}

const QUESTIONS_LEAST = 5
const WINDOW = /\d+ ?(d|h|min)\b|sign-in on|alert on|to now/

function questionRules({ text }: Runbook, report: Report): void {
  const [, , ...rows] = sectionOf(text, 'Questions').match(/^\|.*\|$/gm) ?? []
  if (rows.length < QUESTIONS_LEAST) {
    report('Questions', `are ${rows.length}`, `ask ${QUESTIONS_LEAST} at least, each in a row of the table`)
  }
  for (const [i, row] of rows.entries()) {
    if (searchesIn(row).length === 0)
      report(`question ${i + 1}`, 'has no search', 'add one that can be pasted: `@evt:login`')
    if (!WINDOW.test(row)) report(`question ${i + 1}`, 'has no window', 'say over which time: T − 24 h to now')
  }
}

const codeIn = (text: string): string[] =>
  [...text.replace(FENCE, '').matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)
/** What names the value of a field is a search: an analyst pastes it. */
const searchesIn = (text: string): string[] => codeIn(text).filter((code) => /@[\w.]+:|CIDR\(/.test(code))

function searchRules({ text }: Runbook, report: Report): void {
  for (const search of new Set(searchesIn(text))) {
    const fault = searchFault(search)
    if (fault !== undefined)
      report(`\`${search}\``, fault, 'compare it with shared/event.ts and the search syntax of Datadog')
  }
}

function searchFault(search: string): string | undefined {
  try {
    const { node, undocumented } = parseSearch(search)
    if (undocumented.length > 0) return 'has a form that Datadog does not document'
    return Object.values(EVENTS).some((schema) => canMatch(node, schema)) ? undefined : 'matches no event of the app'
  } catch (error) {
    if (error instanceof SearchSyntaxError) return `is no search: ${error.message}`
    throw error
  }
}

function fieldRules({ text }: Runbook, report: Report): void {
  const names = codeIn(text).flatMap((code) =>
    [...code.matchAll(/(?<![\w/])@([a-z][\w.]*)/g)].map(([, name = '']) => name),
  )
  for (const name of new Set(names)) {
    if (!eventFields.has(name)) report(`@${name}`, 'is a field of no event', 'take a name of shared/event.ts')
  }
}

/** How much of a section may be another runbook's; neighbours share more questions than blind spots. */
const SHARED_AT_MOST = {
  'What it means': 0.5,
  Questions: 0.75,
  'False positives': 0.5,
  'Blind spots': 0.5,
} as const

/** A copy is the fault of whoever came later: of the runbook with the higher number. */
function copyRules(runbook: Runbook, all: readonly Runbook[], report: Report): void {
  const earlier = all.filter(({ file }) => file < runbook.file)
  for (const [name, most] of Object.entries(SHARED_AT_MOST)) {
    const own = statementsOf(runbook, name)
    for (const other of earlier) {
      const theirs = new Set(statementsOf(other, name))
      const shared = own.filter((each) => theirs.has(each)).length
      if (own.length > 0 && shared > most * own.length) {
        report(name, `${shared} of ${own.length} statements are those of ${other.file}`, 'write it for this detection')
      }
    }
  }
}

/** The searches of the questions; of any other section its sentences, without their marks and without the detection's own name. */
function statementsOf({ file, text }: Runbook, section: string): string[] {
  const body = sectionOf(text, section)
  if (section === 'Questions') return [...new Set(searchesIn(body))]
  const [, id = '', slug = ''] = /^(ATO-\d{3})-(.+)\.md$/.exec(file) ?? []
  const sentences = body
    .replace(FENCE, '')
    .replaceAll(slug, 'SLUG')
    .replaceAll(id, 'ID')
    .replace(/\s+/g, ' ')
    .split(/(?<=[.:?!])\s/)
    .map((each) =>
      each
        .replace(/[^\p{L}\p{N}]+/gu, ' ')
        .trim()
        .toLowerCase(),
    )
  return [...new Set(sentences.filter((each) => each.includes(' ')))]
}

const sectionOf = (text: string, name: string): string =>
  text
    .split(/^## /m)
    .find((part) => part.startsWith(`${name}\n`))
    ?.slice(name.length) ?? ''
