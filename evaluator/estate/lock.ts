import { readFile, writeFile } from 'node:fs/promises'
import { reasonOf, unwritableReason } from '../file-error.ts'
import { InputError } from '../input-error.ts'
import { type Expectable, isEvaluated } from './expectations.ts'

/** A list of monitors that cannot be read or written. */
class LockError extends InputError {
  override readonly name = 'LockError'
}

const HEADER =
  '# Monitors and rules that alertproof evaluates, one per line. It fails when one of them is evaluated no more.'

/** Writes the slugs of all monitors and rules that are evaluated. @throws LockError */
export async function writeLock(file: string, readings: readonly Expectable[]): Promise<void> {
  const slugs = readings
    .filter(isEvaluated)
    .map(({ slug }) => slug)
    .sort()
  await writeFile(file, `${[HEADER, ...slugs].join('\n')}\n`).catch((error: Error) => {
    throw new LockError(`${file} cannot be written: ${unwritableReason(error)}`)
  })
}

/** A monitor that is in the list and not evaluated now. */
export interface Lapse {
  readonly slug: string
  readonly reason: string
}

/** @returns what the list has and what is not evaluated now, with the reason @throws LockError */
export async function readLapses(file: string, readings: readonly Expectable[]): Promise<Lapse[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const isMissing = error.code === 'ENOENT'
    throw new LockError(
      isMissing ? `${file} does not exist: --update-lock writes it` : `${file} cannot be read: ${reasonOf(error)}`,
    )
  })
  const slugs = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
  return slugs.flatMap((slug) => {
    const reading = readings.find((each) => each.slug === slug)
    if (!reading) return [{ slug, reason: 'there is no such monitor' }]
    if (isEvaluated(reading)) return []
    const reasons = [...reading.faults, ...reading.refusals].map(({ place, reason }) => `${place}: ${reason}`)
    return [{ slug, reason: reasons.join('; ') }]
  })
}
