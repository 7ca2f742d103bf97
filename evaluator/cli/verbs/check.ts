import {
  type CheckReport,
  checkMonitors,
  countOf,
  type Finding,
  githubAnnotation,
  type LogSource,
  placeBelow,
  sarifLog,
} from '../../check/index.ts'
import { InputError } from '../../input-error.ts'
import { navigatorLayer } from '../../navigator.ts'
import { type Command, type Io, readArguments, UsageError } from '../command.ts'
import { LOG_OPTIONS, LOG_OPTIONS_USAGE, type LogValues, openLogs } from '../input.ts'
import { junitXml } from '../junit.ts'
import { counted, fitted, json, paint, printable, type Tone } from '../output.ts'
import { appendSummary, markdownTable, writeReportFile } from '../summary.ts'

const USAGE = `Usage: alertproof check PATH... [<options>]

Predicts, without keys or network, what Datadog would answer to an import of monitors and Cloud SIEM rules, and what their settings
cost. Checks the schema of the API, the query and its search, the conditions of cases, the constraints between options, the message
with its variables, conditions and handles, windows that are too short, group limits and delays. PATH is a folder of JSON files, or
a file: a monitor or a rule as the API takes it or the UI exports it, a list of them, or the output of \`terraform show -json\`.

The API refuses an error. It accepts a warning, which has no effect or another effect than it seems. A note names a cost.

Options:
  --log PATH        also name each term and facet that no event of this log has: a file or a folder; may be repeated
  --strict          warnings fail the check as well
  --quiet           leave out the notes
  --json            print one line of JSON per finding: {level, rule, monitor, file, line, column, place, message}
  --github          print findings as annotations of GitHub Actions
  --sarif FILE      also write SARIF 2.1.0
  --junit FILE      also write JUnit XML, with one test case per monitor
  --summary FILE    also append a summary in Markdown, for the page of a CI job
  --navigator FILE  also write a layer of MITRE's ATT&CK Navigator: the techniques that the monitors' tags name
  --help            this text

How the log is read:
${LOG_OPTIONS_USAGE}
Exit code: 0 without an error, 1 with one (with --strict, also with a warning), 2 for unusable arguments, 3 if a file cannot be
read or contains no monitor.

Examples:
  alertproof check monitors/
  alertproof check plan.json --strict --sarif check.sarif
  alertproof check monitors/ --log yesterday.jsonl.gz --github
`

/** GitHub shows at most 1 MiB of a step's summary. */
const MAX_IN_SUMMARY = 200

export const command: Command = {
  name: 'check',
  summary: 'predict the answer to an import of monitors',
  usage: USAGE,
  async run(argv, io) {
    const startedAt = new Date()
    const { values, positionals } = readArguments({
      args: [...argv],
      allowPositionals: true,
      options: {
        log: { type: 'string', multiple: true },
        ...LOG_OPTIONS,
        strict: { type: 'boolean', default: false },
        quiet: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        github: { type: 'boolean', default: false },
        sarif: { type: 'string' },
        junit: { type: 'string' },
        summary: { type: 'string' },
        navigator: { type: 'string' },
      },
    })
    if (positionals.length === 0) throw new UsageError('Give at least one folder or file of monitors.')
    if (values.json && values.github) throw new UsageError('Give --json or --github, not both.')
    const report = await checkMonitors(
      positionals,
      values.log === undefined ? undefined : logsOf(values.log, values, io),
    )
    if (report.checked.length === 0 && report.findings.length === 0) {
      throw new InputError(`${positionals.join(', ')}: holds no monitor`)
    }
    const findings = report.findings.filter(({ level }) => level !== 'note' || !values.quiet)
    const show = values.json ? jsonLine : values.github ? annotation : textLine
    for (const finding of findings) show(finding, io)
    io.err(`${summaryOf(report)}\n`)
    if (values.sarif !== undefined)
      await writeReportFile(values.sarif, `${JSON.stringify(sarifLog(findings), undefined, 2)}\n`)
    if (values.junit !== undefined) await writeReportFile(values.junit, junitOf(report, values.strict, startedAt))
    if (values.summary !== undefined) await appendSummary(values.summary, markdownOf(report, findings))
    if (values.navigator !== undefined)
      await writeReportFile(values.navigator, `${JSON.stringify(layerOf(report), undefined, 2)}\n`)
    if (report.unreadable) return 3
    return findings.some((finding) => fails(finding, values.strict)) ? 1 : 0
  },
}

const fails = ({ level }: Finding, strict: boolean): boolean => level === 'error' || (strict && level === 'warning')

const TONES = { error: 'red', warning: 'yellow', note: 'dim' } as const satisfies Record<Finding['level'], Tone>

function textLine(finding: Finding, io: Io): void {
  const { file, line, column, level, monitor, message, rule } = finding
  const place = placeBelow(finding)
  const where = place === '' || /^\d+:\d+$/.test(place) ? '' : `${place}: `
  const whose = monitor === undefined ? '' : `${monitor}: `
  const [head, told] = [`${file}:${line}:${column}: `, `: ${whose}${where}${message} [${rule}]`].map(printable)
  io.out(`${fitted(`${head}${paint(io, TONES[level], level)}${told}`, io.width)}\n`)
}

function jsonLine({ level, rule, monitor, file, line, column, place, message }: Finding, io: Io): void {
  json(io, { level, rule, monitor: monitor ?? null, file, line, column, place, message })
}

const annotation = (finding: Finding, io: Io): void => io.out(`${printable(githubAnnotation(finding))}\n`)

function summaryOf({ findings, checked }: CheckReport): string {
  const [errors, warnings, notes] = (['error', 'warning', 'note'] as const).map((level) => countOf(findings, level))
  const found = [counted(errors ?? 0, 'error'), counted(warnings ?? 0, 'warning'), counted(notes ?? 0, 'note')].join(
    ', ',
  )
  const rules = checked.filter(({ isRule }) => isRule).length
  const monitors = checked.length - rules
  const parts = [
    ...(monitors > 0 || rules === 0 ? [counted(monitors, 'monitor')] : []),
    ...(rules > 0 ? [counted(rules, 'rule')] : []),
  ]
  return `${parts.join(', ')}: ${found}.`
}

function markdownOf(report: CheckReport, findings: readonly Finding[]): string {
  const shown = findings.slice(0, MAX_IN_SUMMARY)
  const rows = shown.map(({ level, file, line, column, monitor, message, rule }) => [
    level,
    `${file}:${line}:${column}`,
    monitor ?? '',
    `${message} [${rule}]`,
  ])
  const more = findings.length > shown.length ? [`And ${findings.length - shown.length} more.`] : []
  const table = rows.length > 0 ? [markdownTable(['level', 'place', 'monitor', 'finding'], rows)] : []
  return ['## alertproof check', summaryOf(report), ...table, ...more].join('\n\n')
}

const layerOf = ({ checked }: CheckReport) =>
  navigatorLayer(
    'alertproof',
    checked.map(({ monitor, tags }) => ({ slug: monitor, tags })),
  )

function junitOf({ findings, checked }: CheckReport, strict: boolean, startedAt: Date): string {
  const texts = (list: readonly Finding[]) =>
    list.map(
      (finding) => `${finding.file}:${finding.line}:${finding.column}: ${placeBelow(finding)}: ${finding.message}`,
    )
  const cases = checked.map(({ file, monitor }) => {
    const mine = findings.filter((finding) => finding.file === file && finding.monitor === monitor)
    const others = mine.filter((finding) => !fails(finding, strict))
    return {
      ...{ classname: 'check', name: monitor, seconds: 0, faults: texts(mine.filter((each) => fails(each, strict))) },
      ...(others.length === 0 ? {} : { out: texts(others).join('\n') }),
    }
  })
  const files = findings.filter(({ monitor }) => monitor === undefined)
  for (const file of new Set(files.map((finding) => finding.file))) {
    const faults = texts(files.filter((finding) => finding.file === file))
    cases.push({ classname: 'check', name: file, seconds: 0, faults })
  }
  const seconds = (Date.now() - startedAt.getTime()) / 1000
  return junitXml({ name: 'check', timestamp: startedAt.toISOString(), seconds, cases })
}

/** Every log of the files, with or without a date. */
const logsOf =
  (paths: readonly string[], values: LogValues, io: Io): LogSource =>
  async (take) => {
    const input = await openLogs(paths, values, io, { undated: true, passOver: true })
    await input.visit(take)
  }
