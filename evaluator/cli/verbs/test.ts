import { type CaseResult, faultsOf, findCases, type Pair, runCases, type Verdict } from '../../cases/index.ts'
import { InputError } from '../../input-error.ts'
import { type Command, type Io, readArguments, UsageError } from '../command.ts'
import { type JunitCase, junitXml } from '../junit.ts'
import { counted, json, paint, printable } from '../output.ts'
import { appendSummary, markdownTable, writeReportFile } from '../summary.ts'

const USAGE = `Usage: alertproof test PATH... [<options>]

Evaluates cases of monitors and rules of Cloud SIEM: each names these and a log, and lists what must happen; anything else fails it. PATH is a folder
of cases or one case. A case is a YAML or JSON file:

  monitor: ../monitors/failed-logins.json
  log:
    - { at: 5s, times: 3, every: 60s,
        event: { evt: login, outcome: fail, ip: 203.0.113.9 } }
  expect:
    - { group: { "@ip": 203.0.113.9 }, at: 3m }

  monitor     a file or folder of monitors and rules, one of them, or a list of these; a path counts from the file of the case
  log         a file in any form that \`replay\` reads, a list of files, or a list of events with \`at\` after the start
  start       the time from which relative times count (default 2026-01-05T09:00:00Z for a list of events)
  expect      the changes of state that must happen: monitor (if there are several), transition (default Triggered), group,
              at (with within: 60s), value, severity, title, message, recipients, payloads. What an entry leaves out is not compared
  recoveries  true: all recoveries must be listed. They must be as soon as one is listed
  evaluate    live, cadence, lateness, group-limits, silence: as the options of \`replay\`
  webhooks    webhooks as the API takes them: files or objects, whose payloads are compared
  variables   custom variables of the account, by name
  late        how many logs come too late to count (default 0); with evaluate.lateness logs arrive in the order of the list
  name        what to call the case (default: the name of its file)

Options:
  --update        write what happened into the cases that do not hold, for review. Comments and order stay
  --json          print one line of JSON per case: {case, file, holds, changes, missing, late}
  --junit FILE    also write JUnit XML, with one test case per case
  --summary FILE  also append a summary in Markdown, for the page of a CI job
  --help          this text

Exit code: 0 if every case holds, 1 if one does not, 2 for unusable arguments, 3 if a case cannot be read or no case was found.

Examples:
  alertproof test cases/
  alertproof test cases/spraying.yaml --update
`

export const command: Command = {
  name: 'test',
  summary: 'evaluate cases: monitors, a log, and what must happen',
  usage: USAGE,
  async run(argv, io) {
    const startedAt = new Date()
    const { values, positionals } = readArguments({
      args: [...argv],
      allowPositionals: true,
      options: {
        update: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        junit: { type: 'string' },
        summary: { type: 'string' },
      },
    })
    if (positionals.length === 0) throw new UsageError('Give at least one folder or file of cases.')
    const files = await findCases(positionals)
    const results: CaseResult[] = [...files.broken]
    for (const result of files.broken) show(result, values.json, io)
    for await (const result of runCases(files, values.update)) {
      results.push(result)
      show(result, values.json, io)
    }
    if (files.passedOver.length > 0) {
      io.err(`no case in: ${printable(files.passedOver.join(', '))} (a case names monitor and log)\n`)
    }
    if (values.junit !== undefined) await writeReport(values.junit, results, startedAt)
    if (values.summary !== undefined) await appendSummary(values.summary, markdownOf(results))
    if (results.length === 0) throw new InputError(`${positionals.join(', ')}: holds no case`)
    io.err(`${paint(io, results.every(isGood) ? 'green' : 'red', summaryOf(results))}\n`)
    if (results.some((result) => 'unreadable' in result)) return 3
    return results.every(isGood) ? 0 : 1
  },
}

/** It holds, or it was updated so that it does. */
const isGood = (result: CaseResult): boolean => 'verdict' in result && (result.verdict.holds || result.updated)

function show(result: CaseResult, asJson: boolean, io: Io): void {
  if ('unreadable' in result) {
    io.err(`${result.unreadable.split('\n').map(printable).join('\n')}\n`)
    return
  }
  if (asJson) {
    json(io, recordOf(result))
    return
  }
  const { file, case: given, verdict, updated } = result
  const title = printable(`${file}: ${given.name}`)
  if (verdict.holds) io.out(`${paint(io, 'green', 'holds')}    ${title}\n`)
  else if (updated) io.out(`${paint(io, 'yellow', 'updated')}  ${title}\n`)
  else io.out(`${paint(io, 'red', 'FAILS')}    ${title}\n`)
  if (verdict.holds) return
  for (const line of faultsOf(given, verdict)) io.out(`  ${paint(io, toneOf(line), printable(line))}\n`)
}

const toneOf = (line: string) => (/^\s+- /.test(line) ? 'red' : /^\s+\+ /.test(line) ? 'green' : 'bold')

function recordOf({ file, case: given, verdict }: Extract<CaseResult, { verdict: Verdict }>) {
  return {
    case: given.name,
    file,
    holds: verdict.holds,
    changes: verdict.pairs.flatMap(changeOf),
    missing: verdict.pairs.flatMap(({ expected, happening }) => {
      if (!expected || happening) return []
      const { monitor, transition, group, at } = expected
      return [{ monitor, transition, group, at: typeof at === 'number' ? new Date(at).toISOString() : null }]
    }),
    late: verdict.late,
  }
}

function changeOf({ expected, happening, differences }: Pair) {
  if (!happening) return []
  const { monitor, transition, group, at, value, severity } = happening.transition
  const time = new Date(at).toISOString()
  const change = { monitor: monitor.slug, transition, group, at: time, value, ...(severity && { severity }) }
  return [{ ...change, expected: expected !== undefined, differences: differences.map(differenceOf) }]
}

const differenceOf = ({ field, expected, found }: Pair['differences'][number]) => {
  const text = (value: unknown) => (field === 'at' && typeof value === 'number' ? new Date(value).toISOString() : value)
  return { field, expected: text(expected), found: text(found) }
}

function summaryOf(results: readonly CaseResult[]): string {
  const read = results.filter((result) => 'verdict' in result)
  const failed = read.filter((result) => !isGood(result)).length
  const updated = read.filter((result) => result.updated).length
  const unreadable = results.length - read.length
  const parts = [
    `${counted(results.length, 'case')}: ${read.length - failed - updated} hold`,
    ...(failed > 0 ? [`${failed} fail`] : []),
    ...(updated > 0 ? [`${updated} updated`] : []),
    ...(unreadable > 0 ? [`${unreadable} could not be read`] : []),
  ]
  return `${parts.join(', ')}.`
}

function markdownOf(results: readonly CaseResult[]): string {
  const rows = results.map((result) => {
    if ('unreadable' in result) return ['could not be read', result.file, result.unreadable]
    const { file, case: given, verdict, updated } = result
    const state = verdict.holds ? 'holds' : updated ? 'updated' : 'fails'
    return [state, `${file}: ${given.name}`, verdict.holds ? '' : faultsOf(given, verdict).join('; ')]
  })
  return ['## alertproof test', summaryOf(results), markdownTable(['result', 'case', 'faults'], rows)].join('\n\n')
}

async function writeReport(file: string, results: readonly CaseResult[], startedAt: Date): Promise<void> {
  const cases = results.map((result): JunitCase => {
    if ('unreadable' in result) {
      return { classname: 'test', name: result.file, seconds: 0, faults: [`could not be read: ${result.unreadable}`] }
    }
    const { case: given, verdict, ms, updated } = result
    const faults = verdict.holds || updated ? [] : faultsOf(given, verdict)
    return { classname: 'test', name: `${result.file}: ${given.name}`, seconds: ms / 1000, faults }
  })
  const seconds = (Date.now() - startedAt.getTime()) / 1000
  await writeReportFile(file, junitXml({ name: 'test', timestamp: startedAt.toISOString(), seconds, cases }))
}
