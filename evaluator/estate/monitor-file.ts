import { type Document, LineCounter, parseAllDocuments } from 'yaml'
import { isRecord } from '../json.ts'
import { parseDocument } from '../monitor/json-document.ts'

export interface FileFault {
  readonly place: string
  readonly reason: string
  readonly rule: 'not-json' | 'not-yaml' | 'not-evaluated-hcl' | 'repeated-key'
}

/** What a file holds that may hold monitors. */
export interface MonitorFile {
  readonly documents: readonly unknown[]
  readonly faults: readonly FileFault[]
  /** Whether it is a file of monitors by its name alone, so that it is reported if it contains no monitor. */
  readonly isExpected: boolean
}

/** The endings of files that may hold monitors. */
export const MONITOR_FILE = /\.(json|ya?ml|tf|tfstate)$/i

const READABLE_TERRAFORM =
  'only Terraform can evaluate it. Run `terraform plan -out=plan && terraform show -json plan > plan.json`, and give plan.json ' +
  '(`terraform show -json > state.json` for what is applied)'

/**
 * Reads a file as JSON, or as any number of YAML documents. The configuration and the plans of Terraform are recognized, and answered
 * with the command that makes them readable.
 * @param isNamed whether a person named the file itself, and not a folder around it
 */
export function readMonitorFile(bytes: Buffer, file: string, isNamed = false): MonitorFile {
  if (bytes.subarray(0, 4).toString('latin1') === 'PK\u0003\u0004') {
    return unread({ place: '1:1', reason: `is packed, as a plan of Terraform is: ${READABLE_TERRAFORM}` })
  }
  const text = bytes.toString('utf8')
  const hcl = hclMonitor(text)
  if (hcl || /\.tf$/i.test(file)) {
    return hcl ? unread({ place: hcl, reason: `is HCL: ${READABLE_TERRAFORM}` }) : { ...NOTHING, isExpected: false }
  }
  const isJson = /\.(json|tfstate)$/i.test(file) || /^\s*[[{]/.test(text)
  return isJson ? readJson(text) : readYaml(text, isNamed)
}

const NOTHING: MonitorFile = { documents: [], faults: [], isExpected: true }
const unread = (fault: Omit<FileFault, 'rule'>): MonitorFile => ({
  ...NOTHING,
  faults: [{ ...fault, rule: 'not-evaluated-hcl' }],
})

/** Where the first monitor or rule stands in a configuration of Terraform. */
function hclMonitor(text: string): string | undefined {
  const found = /^\s*resource\s+"?datadog_(?:monitor|security_monitoring_rule)(?:_json)?"?\s+"?[\w-]+"?\s*\{/m.exec(
    text,
  )
  if (!found) return undefined
  const before = text.slice(0, found.index + found[0].length - found[0].trimStart().length)
  return `${before.split('\n').length}:1`
}

function readJson(text: string): MonitorFile {
  const { value, faults } = parseDocument(text)
  if (isRecord(value) && isRecord(value.resource) && isRecord(value.resource.datadog_monitor)) {
    return unread({ place: '1:1', reason: `is a configuration of Terraform: ${READABLE_TERRAFORM}` })
  }
  const rule = value === undefined ? 'not-json' : 'repeated-key'
  return { documents: [value], faults: faults.map((fault) => ({ ...fault, rule })), isExpected: true }
}

/**
 * YAML is in use for everything: only what names a monitor is a file of monitors.
 * @param isNamed whether a person named the file itself: then it is expected in any case
 */
function readYaml(text: string, isNamed: boolean): MonitorFile {
  const isExpected = isNamed || /\bDatadogMonitor\b|\blog alert\b|\blog_detection\b/.test(text)
  const lines = new LineCounter()
  const parsed = parseAllDocuments(text, { lineCounter: lines, merge: true, logLevel: 'silent' })
  const documents = Array.isArray(parsed) ? parsed : []
  const [fault] = documents.flatMap(({ errors }) => errors)
  if (!fault) return { documents: documents.map(valueOfDocument), faults: [], isExpected }
  const { line, col } = lines.linePos(fault.pos[0])
  const reason = `is not YAML: ${fault.message.replace(/ at line \d+.*/s, '')}${quoteOf(text, line)}`
  const faults = isExpected ? [{ place: `${line}:${col}`, reason, rule: 'not-yaml' as const }] : []
  return { documents: [], faults, isExpected }
}

/** Characters of a line that a message shows. */
const MOST_SHOWN = 60

/** The line of a fault, because the place is where the parser noticed it. */
function quoteOf(text: string, line: number): string {
  const shown = (text.split(/\r?\n/, line)[line - 1] ?? '').trim()
  return shown === '' ? '' : `: ${JSON.stringify(shown.slice(0, MOST_SHOWN))}`
}

function valueOfDocument(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 1000 })
  } catch {
    // More aliases than anybody writes: a file that is made to exhaust memory.
    return undefined
  }
}
