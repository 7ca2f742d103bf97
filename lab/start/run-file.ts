import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { identityOf } from '../processes/identity.ts'
import { readJson, writePrivate } from './files.ts'

/** A process by id and start time, because ids are reused. */
const ProcessMark = z.object({ pid: z.number().int().positive(), born: z.string() })
type ProcessMark = z.infer<typeof ProcessMark>

const RunFile = z.object({
  /** The process of the lab itself. */
  pid: z.number().int().positive(),
  born: z.string(),
  started_at: z.iso.datetime(),
  mode: z.object({ cadence_seconds: z.number().positive().nullable() }),
  urls: z.object({ web: z.url(), functions: z.url(), datadog: z.url() }),
  stores: z.object({ DATABASE_URL: z.string(), REDIS_URL: z.string(), TABLES_CONNECTION: z.string() }),
  /** Absent unless the lab runs an exercise: its seed, and the folder of the detections that it evaluates. */
  exercise: z.object({ seed: z.number().int().nonnegative(), detections: z.string() }).optional(),
  /** The processes that the lab started, by part. */
  pids: z.record(z.string(), ProcessMark),
})

/** The content of `<dir>/run.json`, which describes a running lab. Mode 600, because connection strings hold passwords. */
export type RunFile = z.infer<typeof RunFile>

const pathIn = (dir: string) => join(dir, 'run.json')

/**
 * The running lab of this directory.
 * @returns undefined without a file or if its process has ended
 */
export async function readRunFile(dir: string): Promise<RunFile | undefined> {
  const run = await lastRun(dir)
  return run && (await identityOf(run.pid)) === run.born ? run : undefined
}

/** The last lab of this directory, running or not; undefined also for an invalid file. */
export async function lastRun(dir: string): Promise<RunFile | undefined> {
  return RunFile.safeParse(await readJson(pathIn(dir)).catch(() => undefined)).data
}

export async function removeRunFile(dir: string): Promise<void> {
  await rm(pathIn(dir), { force: true })
}

/** The run.json of a running lab, updated when processes change. */
export interface RunRecord {
  /** The current content. */
  read(): Promise<RunFile>
  /** Writes the file, so that other commands find the lab. */
  publish(): Promise<void>
  /** Writes the file again if it was published. */
  processesChanged(): void
}

type RunFacts = Omit<RunFile, 'pid' | 'born' | 'pids'> & { pids: () => Record<string, number | undefined> }

export function createRunRecord(dir: string, facts: RunFacts): RunRecord {
  let writing: Promise<void> | undefined
  const read = async (): Promise<RunFile> => {
    const own = await markOf(process.pid)
    const marks = await Promise.all(
      Object.entries(facts.pids()).map(async ([name, pid]) => [name, await markOf(pid)] as const),
    )
    const pids = Object.fromEntries(marks.filter((entry): entry is [string, ProcessMark] => entry[1] !== undefined))
    const { pids: _, ...rest } = facts
    return { pid: process.pid, born: own?.born ?? '', ...rest, pids }
  }
  const write = async () => writePrivate(pathIn(dir), `${JSON.stringify(await read(), null, 2)}\n`)
  return {
    read,
    publish() {
      writing = write()
      return writing
    },
    processesChanged() {
      // Writes are sequential, so that the last one is the latest.
      if (writing) writing = writing.then(write).catch(() => {})
    },
  }
}

async function markOf(pid: number | undefined): Promise<ProcessMark | undefined> {
  const born = pid === undefined ? undefined : await identityOf(pid)
  return pid === undefined || born === undefined ? undefined : { pid, born }
}
