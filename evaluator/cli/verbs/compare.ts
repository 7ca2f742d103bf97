import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { groupText, instantOf } from '../../cases/index.ts'
import {
  Account,
  type Assumptions,
  compareMonitor,
  compareRule,
  type Judged,
  type Keys,
  originOf,
  type Period,
  readReported,
  readReportedSignals,
  SITES,
} from '../../compare/index.ts'
import { readMonitor, readRule } from '../../estate/index.ts'
import { InputError } from '../../input-error.ts'
import { isRecord, parseJson } from '../../json.ts'
import type { IndexedLog } from '../../log.ts'
import { reasonOf } from '../../logs/index.ts'
import type { Monitor } from '../../monitor/monitor.ts'
import { searchOfAll, searchOfQueries } from '../../monitor/variables.ts'
import { logOfRecord } from '../../replay/recording/export-record.ts'
import type { SiemRule } from '../../siem/rule.ts'
import { isRule } from '../../siem/rule-reading.ts'
import { type Command, type Io, readArguments, UsageError, wholeNumber } from '../command.ts'
import { openLogs } from '../input.ts'
import { json, paint, printable } from '../output.ts'

const USAGE = `Usage: alertproof compare ID --from TIME --to TIME [<options>]
       alertproof compare --monitor FILE --logs FILE --reported FILE [<options>]

Compares the evaluation of a monitor with the changes of state that Datadog reported for it. With the id of a monitor, all is read
from the account of DD_API_KEY and DD_APP_KEY: the monitor, the logs that its search finds, and its alert events. With the id of a
rule of Cloud SIEM, as abc-def-ghi, these are the rule, its logs and its signals. Without an id, all is read from files. Each disagreement is printed with the named decisions that most likely make it.

Options:
  --from TIME          the period, in ISO 8601 with its zone. With files, the default is all of them
  --to TIME
  --site SITE          the account's site (default datadoghq.com): ${SITES.join(', ')};
                       or the origin of a server on this machine
  --save FOLDER        write what was read as monitor.json, logs.json and reported.json, for a comparison of files
  --monitor FILE       a monitor, or a rule of Cloud SIEM, as the API returns it
  --logs FILE          its logs, in any form that \`replay\` reads
  --reported FILE      what Datadog reported: pages of the events API, of a rule pages of the signals API, or lines as \`replay --json\`
                       prints them. Of a rule the signals that opened are compared
  --latency SECONDS    how long after an evaluation Datadog reports a change (default 0). Datadog's documentation once said up to
                       three minutes for log monitors
  --tolerance SECONDS  by how much times may differ (default 60: one evaluation)
  --json               print one line of JSON per change: {verdict, transition, group, here, reported, likely}
  --help               this text

Exit code: 0 if all changes agree, 1 if one does not, 2 for unusable arguments, 3 if a file or the account cannot be read.

Examples:
  alertproof compare abc-def-ghi --from 2026-01-12T00:00:00Z --to 2026-01-13T00:00:00Z
  alertproof compare 12345 --from 2026-01-12T00:00:00Z --to 2026-01-13T00:00:00Z --site datadoghq.eu
  alertproof compare --monitor monitor.json --logs logs.json --reported reported.json --latency 90
`

const OPTIONS = {
  from: { type: 'string' },
  to: { type: 'string' },
  site: { type: 'string', default: 'datadoghq.com' },
  save: { type: 'string' },
  monitor: { type: 'string' },
  logs: { type: 'string' },
  reported: { type: 'string' },
  latency: { type: 'string', default: '0' },
  tolerance: { type: 'string', default: '60' },
  json: { type: 'boolean', default: false },
} as const

const DEFAULT_NEW_GROUP_DELAY = 60
const MAX_SECONDS = 86_400

/** What is compared. */
interface Material {
  readonly monitor: Monitor | SiemRule
  readonly logs: readonly IndexedLog[]
  /** Records as they were read. */
  readonly reported: readonly unknown[]
  /** The id in the account. */
  readonly id: number | string | undefined
  /** What limits the comparison, as notes for the reader. */
  readonly note?: string
}

export const command: Command = {
  name: 'compare',
  summary: 'compare the evaluation of a monitor with what Datadog reported',
  usage: USAGE,
  async run(argv, io) {
    const { values, positionals } = readArguments({ args: [...argv], allowPositionals: true, options: OPTIONS })
    const latencyMs = wholeNumber('--latency', values.latency, 0, MAX_SECONDS) * 1000
    const toleranceMs = wholeNumber('--tolerance', values.tolerance, 0, MAX_SECONDS) * 1000
    const period = periodOf(values.from, values.to)
    const [id, ...more] = positionals
    if (more.length > 0) throw new UsageError('Give one monitor.')
    const material =
      id === undefined ? await fromFiles(values, io) : await fromAccount(id, period, latencyMs, values, keysOf(), io)
    const matches = compared(material, { latencyMs, toleranceMs }, period)
    for (const match of matches) {
      if (values.json) json(io, recordOf(match))
      else io.out(textOf(match, io))
    }
    const wrong = matches.filter(({ kind }) => kind !== 'agrees').length
    io.err(
      `${material.monitor.slug}: ${matches.length - wrong} of ${matches.length} changes agree, over ${material.logs.length} logs.\n` +
        `Assumed: Datadog reports a change ${latencyMs / 1000} s after its evaluation, give or take ${toleranceMs / 1000} s.\n${material.note ?? ''}`,
    )
    return wrong === 0 ? 0 : 1
  },
}

function compared(
  { monitor, logs, reported, id }: Material,
  assumptions: Assumptions,
  period: Period | undefined,
): Judged[] {
  return 'queries' in monitor
    ? compareRule(monitor, logs, readReportedSignals(reported, monitor, textId(id)), assumptions, period)
    : compareMonitor(monitor, logs, readReported(reported, monitor, numberId(id)), assumptions, period)
}

const textId = (id: Material['id']): string | undefined => (typeof id === 'string' ? id : undefined)
const numberId = (id: Material['id']): number | undefined => (typeof id === 'number' ? id : undefined)

function periodOf(from: string | undefined, to: string | undefined): Period | undefined {
  if (from === undefined && to === undefined) return undefined
  if (from === undefined || to === undefined) throw new UsageError('Give --from and --to.')
  const read = (name: string, text: string): number => {
    const at = instantOf(text, undefined)
    if (at === undefined || Number.isNaN(at))
      throw new UsageError(`${name} ${text}: must be a time such as 2026-01-12T00:00:00Z`)
    return at
  }
  const period = { from: read('--from', from), to: read('--to', to) }
  if (period.from >= period.to) throw new UsageError('--from must be before --to.')
  return period
}

function keysOf(): Keys {
  const { DD_API_KEY: api, DD_APP_KEY: app } = process.env
  if (!api || !app) throw new UsageError('Set DD_API_KEY and DD_APP_KEY, or compare files.')
  return { api, app }
}

type Values = { readonly [name in 'site' | 'save' | 'monitor' | 'logs' | 'reported']?: string | undefined }

async function fromFiles(values: Values, io: Io): Promise<Material> {
  if (values.monitor === undefined || values.logs === undefined || values.reported === undefined) {
    throw new UsageError('Give the id of a monitor or rule, or --monitor, --logs and --reported.')
  }
  if (values.save !== undefined) throw new UsageError('--save keeps what is read from an account: leave it out.')
  const text = await read(values.monitor)
  const json = parseJson(text)
  const monitor = isRecord(json) && isRule(json) ? readRule(text, values.monitor) : readMonitor(text, values.monitor)
  const logs: IndexedLog[] = []
  const input = await openLogs([values.logs], {}, io)
  await input.visit(
    (log) => logs.push(log),
    (place, reason) => {
      throw new InputError(`${values.logs}: ${place} ${reason}`)
    },
  )
  const id = isRecord(json) && ['number', 'string'].includes(typeof json.id) ? (json.id as number | string) : undefined
  return { monitor, logs, reported: recordsIn(await read(values.reported), values.reported), id }
}

/** Pages of the API, a list, or one record a line. */
function recordsIn(text: string, file: string): unknown[] {
  const parse = (json: string, place: string): unknown => {
    try {
      return parseJson(json)
    } catch {
      throw new InputError(`${file}: ${place} is not JSON`)
    }
  }
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const isLines = lines.length > 0 && lines.every((line) => /^\s*\{.*\}\s*$/.test(line))
  const documents = isLines ? lines.map((line, i) => parse(line, `line ${i + 1}`)) : [parse(text || '[]', 'the text')]
  return documents.flat().flatMap((each) => (isRecord(each) && Array.isArray(each.data) ? each.data : [each]))
}

async function fromAccount(
  text: string,
  period: Period | undefined,
  latencyMs: number,
  values: Values,
  keys: Keys,
  io: Io,
): Promise<Material> {
  if (!period) throw new UsageError('Give --from and --to: the period that is read from the account.')
  const files = (['monitor', 'logs', 'reported'] as const).find((name) => values[name] !== undefined)
  if (files !== undefined) throw new UsageError(`--${files} belongs to a comparison of files: leave out the id.`)
  const origin = originOf(values.site ?? '')
  if (origin === undefined)
    throw new UsageError(`--site ${values.site}: must be one of ${SITES.join(', ')}, or a server on this machine`)
  const reading = { account: new Account(origin, keys), period, latencyMs }
  const { given, records, ...material } = RULE_ID.test(text)
    ? await ruleFromAccount(text, reading)
    : await monitorFromAccount(wholeNumber('monitor', text, 1, Number.MAX_SAFE_INTEGER), reading)
  if (values.save !== undefined) {
    await save(values.save, {
      'monitor.json': given,
      'logs.json': { data: records },
      'reported.json': { data: material.reported },
    })
    io.err(`Written to ${printable(values.save)}: monitor.json, logs.json, reported.json.\n`)
  }
  return { ...material, logs: records.map((record) => logOfRecord(record)) }
}

/** Ids of rules are three groups of three. */
const RULE_ID = /^[a-z0-9]{3}(?:-[a-z0-9]{3}){2}$/

interface AccountReading {
  readonly account: Account
  readonly period: Period
  readonly latencyMs: number
}

/** What an account returned, before its logs are read. */
interface Fetched extends Omit<Material, 'logs'> {
  readonly given: unknown
  readonly records: readonly Record<string, unknown>[]
}

async function monitorFromAccount(id: number, { account, period, latencyMs }: AccountReading): Promise<Fetched> {
  const given = await account.monitor(id)
  const monitor = readMonitor(given, `monitor-${id}.json`)
  const { parsed } = monitor
  const { windowMs } = parsed
  const index = parsed.form === 'logs' ? parsed.index : '*'
  const { evaluation_delay: evaluationDelay = 0, new_group_delay: groupDelay = DEFAULT_NEW_GROUP_DELAY } =
    monitor.options
  // The first evaluation of the period looks back over a window; alerts that are open by then began in the one before.
  const before = 2 * windowMs + (evaluationDelay + groupDelay) * 1000
  const records = await account.logs(searchOfAll(parsed), index, { from: period.from - before, to: period.to })
  const reported = await account.alerts(id, { from: period.from, to: period.to + latencyMs })
  return { monitor, id, given, records, reported }
}

async function ruleFromAccount(id: string, { account, period, latencyMs }: AccountReading): Promise<Fetched> {
  const given = await account.rule(id)
  const monitor = readRule(given, `rule-${id}.json`)
  // A signal that is open when the period begins was opened at most its longest duration before, by the logs of a window.
  const before = monitor.maxSignalDurationMs + monitor.evaluationWindowMs
  const records = await account.logs(searchOfQueries(monitor.queries), '*', {
    from: period.from - before,
    to: period.to,
  })
  const reported = await account.signals(id, { from: period.from, to: period.to + latencyMs })
  return { monitor, id, given, records, reported, note: INDEXED_ONLY }
}

const INDEXED_ONLY = 'A rule reads all logs that are ingested: those that are not indexed are missing here.\n'

async function save(folder: string, files: Readonly<Record<string, unknown>>): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
    for (const [name, value] of Object.entries(files)) {
      // Logs hold personal data: only the owner may read them.
      await writeFile(join(folder, name), `${JSON.stringify(value)}\n`, { mode: 0o600 })
    }
  } catch (error) {
    throw new InputError(`${folder} cannot be written: ${reasonOf(error)}`)
  }
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new InputError(`${file} cannot be read: ${reasonOf(error)}`)
  }
}

const timeText = (at: number | undefined): string | null => (at === undefined ? null : new Date(at).toISOString())

function recordOf({ kind, here, reported, likely }: Judged) {
  const change = here ?? reported
  return {
    verdict: kind,
    transition: change?.transition,
    group: change?.group,
    here: timeText(here?.at),
    reported: timeText(reported?.at),
    likely,
  }
}

function textOf({ kind, here, reported, likely }: Judged, io: Io): string {
  const change = here ?? reported
  if (!change) return ''
  const what = `${timeText(change.at)}  ${change.transition.padEnd(9)}  ${printable(groupText(change.group))}`
  if (kind === 'agrees') return `${paint(io, 'green', 'agrees')}     ${what}\n`
  const reasons = {
    time: `reported for ${timeText(reported?.at)}`,
    here: 'not reported',
    reported: 'reported, and not found here',
  }
  return `${paint(io, 'red', 'DISAGREES')}  ${what}: ${reasons[kind]}\n           likely: ${likely.join(', ')}\n`
}
