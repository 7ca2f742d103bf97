import { readFile } from 'node:fs/promises'
import { basename, dirname, extname, resolve } from 'node:path'
import { z } from 'zod'
import { type Estate, loadEstate, readMonitor, readRule } from '../estate/index.ts'
import { InputError } from '../input-error.ts'
import { isRecord } from '../json.ts'
import type { IndexedLog } from '../log.ts'
import { type Monitor, MonitorError } from '../monitor/monitor.ts'
import type { MonitorReading } from '../monitor/monitor-reading.ts'
import { parseWebhook, type Webhook } from '../notify/index.ts'
import { EventError, type ReplayOptions } from '../replay/index.ts'
import { SEVERITIES, type SiemRule } from '../siem/rule.ts'
import { isRule } from '../siem/rule-reading.ts'
import type { Case, Expected } from './case.ts'
import { logOf, readLogs } from './logs.ts'
import { durationMs, instantOf } from './times.ts'

/** Relative times of events in a case count from here, unless it names a start. */
const DEFAULT_START = '2026-01-05T09:00:00Z'
const MOST_REPEATED = 1_000_000

const TRANSITIONS = [
  ...(['Triggered', 'Warn', 'Recovered', 'No Data', 'Re-Triggered', 'Re-Warn', 'Re-No Data'] as const),
  ...(['Raised', 'Closed'] as const),
]

const Text = z.string().min(1)
const OneOrMore = <T extends z.ZodType>(item: T) =>
  z.union([item, z.array(item).min(1)]).transform((given) => [given].flat() as z.output<T>[])
const Duration = z.string().transform((text, context) => {
  const ms = durationMs(text)
  if (ms !== undefined) return ms
  context.addIssue({ code: 'custom', message: `"${text}" is not a duration such as 90s, 3m or 1h 30m` })
  return z.NEVER
})

const ExpectedFile = z.strictObject({
  monitor: Text.optional(),
  transition: z.enum(TRANSITIONS).default('Triggered'),
  group: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String)).default({}),
  at: Text.nullish(),
  within: Duration.default(0),
  value: z.number().nullish(),
  severity: z.enum(SEVERITIES).nullish(),
  title: z.string().nullish(),
  message: z.string().nullish(),
  recipients: z.array(Text).nullish(),
  payloads: z.record(z.string(), z.unknown()).default({}),
})

const EventFile = z.record(z.string(), z.unknown())

const CaseFile = z.strictObject({
  name: Text.optional(),
  monitor: OneOrMore(z.union([Text, z.record(z.string(), z.unknown())])),
  log: z.union([OneOrMore(Text), z.array(EventFile)]),
  start: Text.optional(),
  evaluate: z
    .strictObject({
      live: z.boolean(),
      cadence: Duration,
      lateness: Duration,
      'group-limits': z.boolean(),
      silence: z.boolean(),
    })
    .partial()
    .default({}),
  webhooks: OneOrMore(z.union([Text, z.record(z.string(), z.unknown())])).default([]),
  variables: z.record(z.string(), z.string()).default({}),
  expect: z.array(ExpectedFile).nullish(),
  recoveries: z.boolean().default(false),
  late: z.number().int().min(0).default(0),
})

/** Whether a document was meant as a case; a monitor or an `expect.json` of `replay` is not a case. */
export const isCase = (document: unknown): boolean =>
  isRecord(document) && !('query' in document) && ('monitor' in document || 'log' in document)

/** Reads cases. Files that several cases name are read once. */
export class CaseReader {
  readonly #estates = new Map<string, Promise<Estate>>()
  readonly #logs = new Map<string, Promise<IndexedLog[]>>()

  /**
   * Reads a case from its document.
   * @throws InputError with every fault
   */
  async read(document: unknown, file: string): Promise<Case> {
    const result = CaseFile.safeParse(document)
    if (!result.success)
      throw new InputError(result.error.issues.map((issue) => `${file}: ${faultText(issue)}`).join('\n'))
    const given = result.data
    const inline = given.log.some((each) => typeof each !== 'string')
    const start = this.#startOf(given.start ?? (inline || given.log.length === 0 ? DEFAULT_START : undefined), file)
    const readings = (await Promise.all(given.monitor.map((each) => this.#readingsOf(each, file)))).flat()
    const monitors = readings.flatMap(({ monitor }) => monitor ?? [])
    const rules = readings.flatMap(({ rule }) => rule ?? [])
    if (monitors.length + rules.length === 0)
      throw new InputError(readings.map((each) => `${file}: ${whyNot(each)}`).join('\n'))
    const webhooks = await Promise.all(given.webhooks.map((each) => webhookOf(each, file)))
    const faults: string[] = []
    const expected = given.expect?.map((each, i) =>
      expectedOf(each, { readings, webhooks, start }, (reason) => faults.push(`${file}: expect[${i}]${reason}`)),
    )
    if (faults.length > 0) throw new InputError(faults.join('\n'))
    return {
      file,
      name: given.name ?? basename(file, extname(file)),
      monitors,
      rules,
      logs: inOrder(await this.#logsOf(given.log, start, file), given.evaluate.lateness),
      start,
      options: optionsOf(given.evaluate),
      webhooks,
      variables: given.variables,
      expected,
      recoveries: given.recoveries,
      late: given.late,
    }
  }

  #startOf(text: string | undefined, file: string): number | undefined {
    if (text === undefined) return undefined
    const start = instantOf(text, undefined)
    if (start === undefined) throw new InputError(`${file}: start: "${text}" is not a time in ISO 8601 with its zone`)
    return start
  }

  async #readingsOf(given: string | Record<string, unknown>, file: string): Promise<Reading[]> {
    if (typeof given === 'string') {
      const path = resolve(dirname(file), given)
      const known = this.#estates.get(path) ?? loadEstate(path)
      this.#estates.set(path, known)
      const { readings, ruleReadings, broken } = await known
      const [fault] = broken
      if (fault) throw new InputError(`${fault.file}:${fault.place}: ${fault.reason}`)
      if (readings.length + ruleReadings.length === 0)
        throw new InputError(`${file}: monitor: ${given} holds no monitor and no rule`)
      return [...readings, ...ruleReadings]
    }
    try {
      const read = { faults: [], refusals: [] }
      if (isRule(given)) {
        const rule = readRule(given)
        return [{ slug: rule.slug, name: rule.name, monitor: undefined, rule, ...read }]
      }
      const monitor = readMonitor(given)
      return [{ slug: monitor.slug, name: monitor.name, monitor, ...read }]
    } catch (error) {
      if (!(error instanceof MonitorError)) throw error
      throw new InputError(error.faults.map(({ place, reason }) => `${file}: monitor: ${place}: ${reason}`).join('\n'))
    }
  }

  async #logsOf(
    given: readonly (string | Record<string, unknown>)[],
    start: number | undefined,
    file: string,
  ): Promise<IndexedLog[]> {
    const logs: IndexedLog[] = []
    for (const [i, each] of given.entries()) {
      if (typeof each !== 'string') logs.push(...eventsOf(each, start, `${file}: log[${i}]`))
      else {
        const path = resolve(dirname(file), each)
        const known = this.#logs.get(path) ?? readLogs(path)
        this.#logs.set(path, known)
        for (const log of await known) logs.push(log)
      }
    }
    return logs
  }
}

/** Without a lateness the order of the list is not that of arrival. */
const inOrder = (logs: readonly IndexedLog[], lateness: number | undefined): readonly IndexedLog[] =>
  lateness === undefined ? logs.toSorted((a, b) => a.timestamp - b.timestamp) : logs

type Reading = Pick<MonitorReading, 'slug' | 'name' | 'monitor' | 'faults' | 'refusals'> & {
  readonly rule?: SiemRule | undefined
}

function whyNot({ slug, faults, refusals }: Reading): string {
  return `${slug} is not evaluated: ${[...faults, ...refusals].map(({ place, reason }) => `${place}: ${reason}`).join('; ')}`
}

function faultText({ path, message }: z.core.$ZodIssue): string {
  const place = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('')
  return place === '' ? message : `${place.slice(1)}: ${message}`
}

/** The event of an entry, as often as the entry says. */
function eventsOf(entry: Record<string, unknown>, start: number | undefined, place: string): IndexedLog[] {
  const { at, event, times, every, ...rest } = entry
  const refuse = (reason: string): never => {
    throw new InputError(`${place}${reason}`)
  }
  const wrapped = event !== undefined
  const body = wrapped ? event : rest
  if (!isRecord(body)) return refuse('.event: must be an object')
  if (wrapped && Object.keys(rest).length > 0) refuse(`: stands beside event: ${Object.keys(rest).join(', ')}`)
  const first = typeof at === 'string' ? instantOf(at, start) : undefined
  if (at !== undefined && first === undefined)
    refuse(`.at: ${JSON.stringify(at)} is not a time such as 90s, 3m or 2026-01-05T09:00:00Z`)
  const count = times ?? 1
  if (!Number.isInteger(count) || Number(count) < 1 || Number(count) > MOST_REPEATED) {
    refuse(`.times: must be a whole number from 1 to ${MOST_REPEATED}`)
  }
  const step = every === undefined ? 0 : typeof every === 'string' ? durationMs(every) : undefined
  if (step === undefined) return refuse(`.every: ${JSON.stringify(every)} is not a duration such as 20s`)
  if (first === undefined && every !== undefined) refuse('.at: is missing: every counts from it')
  return Array.from({ length: Number(count) }, (_, i) => {
    const dated = first === undefined ? body : { ...body, timestamp: new Date(first + i * step).toISOString() }
    try {
      return logOf(dated)
    } catch (error) {
      if (!(error instanceof EventError)) throw error
      return refuse(`: ${error.message}: give it \`at\``)
    }
  })
}

async function webhookOf(given: string | Record<string, unknown>, file: string): Promise<Webhook> {
  const path = typeof given === 'string' ? resolve(dirname(file), given) : `${file}: webhooks`
  try {
    return parseWebhook(typeof given === 'string' ? await readFile(path, 'utf8') : JSON.stringify(given), path)
  } catch (error) {
    throw new InputError(error instanceof Error ? error.message : String(error))
  }
}

function optionsOf(given: z.output<typeof CaseFile>['evaluate']): ReplayOptions {
  return {
    ...(given.live !== undefined && { live: given.live }),
    ...(given.cadence !== undefined && { cadenceSeconds: given.cadence / 1000 }),
    ...(given.lateness !== undefined && { latenessSeconds: given.lateness / 1000 }),
    ...(given['group-limits'] !== undefined && { groupLimits: given['group-limits'] }),
    ...(given.silence !== undefined && { silenceAfterEnd: given.silence }),
  }
}

interface Surroundings {
  readonly readings: readonly Reading[]
  readonly webhooks: readonly Webhook[]
  readonly start: number | undefined
}

function expectedOf(
  given: z.output<typeof ExpectedFile>,
  { readings, webhooks, start }: Surroundings,
  refuse: (reason: string) => void,
): Expected {
  const { at: time, monitor: name, ...rest } = given
  const evaluated = readings.filter(({ monitor, rule }) => monitor ?? rule)
  const reading = name === undefined ? evaluated[0] : readings.find((each) => each.slug === name || each.name === name)
  if (name === undefined && evaluated.length > 1) {
    refuse(`.monitor: is missing: one of ${evaluated.map(({ slug }) => slug).join(', ')}`)
  } else if (!reading) refuse(`.monitor: there is no monitor or rule of the slug or name ${JSON.stringify(name)}`)
  else if (!reading.monitor && !reading.rule) refuse(`.monitor: ${whyNot(reading)}`)
  else {
    const { rule } = reading
    const facets = reading.monitor
      ? notifiedFacets(reading.monitor)
      : (rule?.signalBy.map((place) => rule.groupNames[place] ?? '') ?? [])
    const isOne =
      facets.length === Object.keys(given.group).length && facets.every((facet) => Object.hasOwn(given.group, facet))
    if (!isOne)
      refuse(
        `.group: ${facets.length === 0 ? `${reading.slug} is not grouped` : `must have a value for ${facets.join(', ')}`}`,
      )
  }
  for (const payload of Object.keys(given.payloads)) {
    if (!webhooks.some((webhook) => webhook.name === payload)) {
      refuse(`.payloads.${payload}: no webhook of this name is among the \`webhooks\` of the case`)
    }
  }
  const at = typeof time === 'string' ? instantOf(time, start) : time
  if (typeof time === 'string' && at === undefined) {
    refuse(
      `.at: ${JSON.stringify(time)} is not a time such as 90s, 3m or 2026-01-05T09:00:00Z${start === undefined ? '; a relative time needs a `start`' : ''}`,
    )
  }
  return { ...rest, monitor: reading?.slug ?? '', at }
}

/** With `notify_by` an alert speaks for all groups that agree in those facets. */
function notifiedFacets({ parsed, options }: Monitor): string[] {
  const by = parsed.by.map(({ name }) => name)
  const together = options.notify_by
  if (!together || together.length === 0) return by
  return together.includes('*') ? [] : by.filter((name) => together.includes(name))
}
