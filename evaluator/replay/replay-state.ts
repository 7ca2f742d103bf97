import { createHash } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { z } from 'zod'
import { DEFAULT_LATENESS_SECONDS } from '../evaluate/lateness.ts'
import type { Moment } from '../evaluate/moment.ts'
import type { TrackState } from '../evaluate/track-state.ts'
import { InputError } from '../input-error.ts'
import type { Monitor } from '../monitor/monitor.ts'
import type { ReplayOptions } from './replay-options.ts'

/** All of a replay that its future depends on. */
export interface ReplayState {
  readonly newest: Moment
  readonly first: Moment
  /** Whether time has begun to pass for the monitors. */
  readonly started: boolean
  readonly dropped: number
  /** What is held back for the lateness, oldest first. */
  readonly held: readonly (readonly [at: number, monitor: number, group: string, value: string])[]
  readonly tracks: readonly TrackState[]
}

/** A file from which no replay of these monitors can go on. */
export class StateError extends InputError {
  override readonly name = 'StateError'
}

/** Goes up with every change of what is in a state. */
const version = 1

const Options = z.strictObject({
  cadenceSeconds: z.number().nullable(),
  latenessSeconds: z.number(),
  groupLimits: z.boolean(),
})

const Header = z.object({
  format: z.literal('mini-ato-saas replay state'),
  version: z.number(),
  options: Options,
  /** SHA-256 of what each monitor evaluates, by slug, in their order. */
  monitors: z.array(z.tuple([z.string(), z.string()])),
  /** SHA-256 of the text of the state: a state that somebody wrote or cut is none. */
  checksum: z.string(),
  state: z.string(),
})

const optionNames = { cadenceSeconds: '--cadence', latenessSeconds: '--lateness', groupLimits: '--group-limits' }

/**
 * @returns the state that was saved in a file; undefined when there is no such file
 * @throws StateError when it is none, or of other monitors or options, naming which
 */
export async function readState(
  file: string,
  monitors: readonly Monitor[],
  options: ReplayOptions,
): Promise<ReplayState | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new StateError(`${file} cannot be read: ${error.message}`)
  })
  if (text === undefined) return undefined
  const header = readHeader(text)
  if (!header) throw new StateError(`${file} is no state of a replay, or not all of one`)
  if (header.version !== version)
    throw new StateError(
      `${file} is a state of version ${header.version}; this program goes on from version ${version}`,
    )
  const faults = [...optionFaults(header.options, settled(options)), ...monitorFaults(header.monitors, monitors)]
  if (faults.length > 0) throw new StateError(`${file} is the state of another replay: ${faults.join('; ')}`)
  return JSON.parse(header.state) as ReplayState
}

/** Saves a state, readable by its owner only; whatever happens, the file holds all of the old or all of the new one. */
export async function writeState(
  file: string,
  monitors: readonly Monitor[],
  options: ReplayOptions,
  state: ReplayState,
): Promise<void> {
  const body = JSON.stringify(state)
  const header: z.infer<typeof Header> = {
    format: 'mini-ato-saas replay state',
    version,
    options: settled(options),
    monitors: monitors.map((monitor) => [monitor.slug, fingerprint(monitor)]),
    checksum: sha256(body),
    state: body,
  }
  const beside = `${file}.${process.pid}.tmp`
  try {
    // In a folder that others write to, whatever lies there already was put there by one of them.
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
    throw new StateError(`${file} cannot be written: ${(error as Error).message}`)
  }
}

function readHeader(text: string): z.infer<typeof Header> | undefined {
  try {
    const { data } = Header.safeParse(JSON.parse(text))
    return data?.version !== version || sha256(data.state) === data.checksum ? data : undefined
  } catch {
    return undefined
  }
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Name, message and tags may change: they are only shown. */
const fingerprint = ({ query, options }: Monitor): string => sha256(JSON.stringify([query, options]))

const settled = ({ cadenceSeconds, latenessSeconds, groupLimits }: ReplayOptions): z.infer<typeof Options> => ({
  cadenceSeconds: cadenceSeconds ?? null,
  latenessSeconds: latenessSeconds ?? DEFAULT_LATENESS_SECONDS,
  groupLimits: groupLimits ?? false,
})

function optionFaults(saved: z.infer<typeof Options>, now: z.infer<typeof Options>): string[] {
  const names = Object.keys(optionNames) as (keyof typeof optionNames)[]
  const said = (value: number | boolean | null) => (value === null ? 'unset' : String(value))
  return names
    .filter((name) => saved[name] !== now[name])
    .map((name) => `${optionNames[name]} was ${said(saved[name])} and is ${said(now[name])}`)
}

function monitorFaults(saved: readonly (readonly [string, string])[], monitors: readonly Monitor[]): string[] {
  const then = new Map(saved)
  const now = new Map(monitors.map((monitor) => [monitor.slug, fingerprint(monitor)]))
  const changed = [...now].filter(([slug, print]) => then.has(slug) && then.get(slug) !== print)
  const faults = [
    ...changed.map(([slug]) => `the query or the options of ${slug} changed`),
    ...[...now.keys()].filter((slug) => !then.has(slug)).map((slug) => `${slug} is new`),
    ...[...then.keys()].filter((slug) => !now.has(slug)).map((slug) => `${slug} is missing`),
  ]
  const inOrder = String([...then.keys()]) === String([...now.keys()])
  return faults.length > 0 || inOrder ? faults : ['the monitors come in another order']
}
