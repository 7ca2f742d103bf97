import { createHash } from 'node:crypto'
import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { secondsOf } from '../evaluate/cadence.ts'
import { DEFAULT_LATENESS_SECONDS } from '../evaluate/lateness.ts'
import type { Moment } from '../evaluate/moment.ts'
import type { TrackState } from '../evaluate/track-state.ts'
import { reasonOf, unwritableReason } from '../file-error.ts'
import { InputError } from '../input-error.ts'
import type { Monitor } from '../monitor/monitor.ts'
import { evaluatedPartOf } from '../monitor/monitor-reading.ts'
import { evaluatedPart } from '../siem/rule.ts'
import type { RuleState } from '../siem/rule-track.ts'
import type { ReplayOptions } from './replay-options.ts'

/** Everything that the rest of a replay depends on. */
export interface ReplayState {
  readonly newest: Moment
  readonly first: Moment
  /** Whether time has started for the monitors. */
  readonly started: boolean
  readonly dropped: number
  /** The entries that are held back for the lateness, oldest first; the queries of rules count after the monitors. */
  readonly held: readonly (readonly [at: number, monitor: number, group: string, value: string])[]
  readonly tracks: readonly TrackState[]
  /** Left out when no rule is evaluated. */
  readonly rules?: readonly RuleState[]
}

/** Thrown when a state cannot be read or written, or does not belong to these monitors and options. */
export class StateError extends InputError {
  override readonly name = 'StateError'
}

/** Increased with every change of what a state contains. */
const VERSION = 1

const Options = z.strictObject({
  /** Null for evaluation at each log. */
  cadenceSeconds: z.number().nullable(),
  latenessSeconds: z.number(),
  groupLimits: z.boolean(),
})

const Header = z.object({
  format: z.literal('mini-ato-saas replay state'),
  version: z.number(),
  options: Options,
  /** The slug of each monitor and rule, and the SHA-256 of what it evaluates, in their order. */
  monitors: z.array(z.tuple([z.string(), z.string()])),
  /** SHA-256 of the text of the state, so that a changed or truncated state is refused. */
  checksum: z.string(),
  state: z.string(),
})

const OPTION_NAMES = [
  ['latenessSeconds', '--lateness'],
  ['groupLimits', '--group-limits'],
] as const

/**
 * Reads the state that {@link writeState} wrote.
 * @returns undefined when there is no such file
 * @throws StateError when the file is not a state, or is the state of other monitors or options, which the message names
 */
export async function readState(
  file: string,
  monitors: readonly Monitor[],
  options: ReplayOptions,
): Promise<ReplayState | undefined> {
  const text = await readFile(file, 'utf8').catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw new StateError(`${file} cannot be read: ${reasonOf(error)}`)
    // The state is written at the end of a log that may take long to read.
    await stat(dirname(file)).catch((missing: unknown) => {
      throw new StateError(`${file} cannot be written: ${unwritableReason(missing)}`)
    })
    return undefined
  })
  if (text === undefined) return undefined
  const header = readHeader(text)
  if (!header) throw new StateError(`${file} is not the state of a replay, or is incomplete`)
  if (header.version !== VERSION)
    throw new StateError(`${file} is a state of version ${header.version}; this program reads version ${VERSION}`)
  const faults = [
    ...optionFaults(header.options, settled(options)),
    ...monitorFaults(header.monitors, evaluatedIn(monitors, options)),
  ]
  if (faults.length > 0) throw new StateError(`${file} is the state of another replay: ${faults.join('; ')}`)
  return JSON.parse(header.state) as ReplayState
}

/** Saves a state, readable by its owner only. If writing fails, the file keeps the whole old state. */
export async function writeState(
  file: string,
  monitors: readonly Monitor[],
  options: ReplayOptions,
  state: ReplayState,
): Promise<void> {
  const body = JSON.stringify(state)
  const header: z.infer<typeof Header> = {
    format: 'mini-ato-saas replay state',
    version: VERSION,
    options: settled(options),
    monitors: evaluatedIn(monitors, options),
    checksum: sha256(body),
    state: body,
  }
  const beside = `${file}.${process.pid}.tmp`
  try {
    // `wx` refuses an existing file: in a folder that others can write to, it may be theirs, or a link.
    const handle = await open(beside, 'wx', 0o600)
    try {
      await handle.chmod(0o600)
      await handle.writeFile(JSON.stringify(header))
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(beside, file)
  } catch (error) {
    await rm(beside, { force: true })
    throw new StateError(`${file} cannot be written: ${unwritableReason(error)}`)
  }
}

function readHeader(text: string): z.infer<typeof Header> | undefined {
  try {
    const { data } = Header.safeParse(JSON.parse(text))
    return data?.version !== VERSION || sha256(data.state) === data.checksum ? data : undefined
  } catch {
    return undefined
  }
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** The monitors and rules in their order, each with the fingerprint of what decides its result. */
const evaluatedIn = (monitors: readonly Monitor[], { rules = [] }: ReplayOptions): [string, string][] => [
  ...monitors.map((monitor): [string, string] => [monitor.slug, fingerprint(monitor)]),
  ...rules.map((rule): [string, string] => [rule.slug, sha256(evaluatedPart(rule))]),
]

/** A monitor's name, message and tags may change between the parts of a replay, because they are only shown. */
const fingerprint = (monitor: Monitor): string => sha256(evaluatedPartOf(monitor))

const settled = ({ latenessSeconds, groupLimits, ...evaluation }: ReplayOptions): z.infer<typeof Options> => ({
  cadenceSeconds: secondsOf(evaluation) ?? null,
  latenessSeconds: latenessSeconds ?? DEFAULT_LATENESS_SECONDS,
  groupLimits: groupLimits ?? false,
})

function optionFaults(saved: z.infer<typeof Options>, now: z.infer<typeof Options>): string[] {
  const evaluation = ({ cadenceSeconds }: z.infer<typeof Options>) =>
    cadenceSeconds === null ? '--live' : `--cadence ${cadenceSeconds}`
  return [
    ...(saved.cadenceSeconds === now.cadenceSeconds ? [] : [`it was ${evaluation(saved)} and is ${evaluation(now)}`]),
    ...OPTION_NAMES.filter(([name]) => saved[name] !== now[name]).map(
      ([name, option]) => `${option} was ${saved[name]} and is ${now[name]}`,
    ),
  ]
}

function monitorFaults(
  saved: readonly (readonly [string, string])[],
  evaluated: readonly (readonly [string, string])[],
): string[] {
  const then = new Map(saved)
  const now = new Map(evaluated)
  const changed = [...now].filter(([slug, print]) => then.has(slug) && then.get(slug) !== print)
  const faults = [
    ...changed.map(([slug]) => `the query or the options of ${slug} changed`),
    ...[...now.keys()].filter((slug) => !then.has(slug)).map((slug) => `${slug} is new`),
    ...[...then.keys()].filter((slug) => !now.has(slug)).map((slug) => `${slug} is missing`),
  ]
  const inOrder = String([...then.keys()]) === String([...now.keys()])
  return faults.length > 0 || inOrder ? faults : ['the monitors are in another order']
}
