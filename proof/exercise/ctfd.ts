import { createHmac } from 'node:crypto'
import { type Fault, type FaultKind, POINTS } from './catalogue.ts'

/** A seed and the fault that it names. */
export interface Challenge {
  readonly seed: number
  readonly fault: Fault
}

const COLUMNS = ['name', 'category', 'description', 'value', 'type', 'state', 'flags', 'tags', 'hints'] as const

/** CTFd splits flags, tags and hints at commas, so none of them holds one. */
const HINTS: Readonly<Record<FaultKind, string>> = {
  'dropped-at': 'Datadog finds an attribute by its @. Without it a name is a tag.',
  'wrong-facet': 'Ask of each facet in the query whether the events of the attack have it and what it tells apart.',
  threshold: 'The message and the runbook of a detection say how many are too many.',
}

/**
 * Challenges as CTFd imports them: Admin Panel, Config, Import & Export, CSV, "challenges".
 * @param key signs the flags; whoever knows it can compute them
 * @see https://docs.ctfd.io/docs/imports/csv/ and `load_challenges_csv` in CTFd/utils/csv
 */
export function ctfdCsv(challenges: readonly Challenge[], key: string): string {
  const rows = challenges.map(
    ({ seed, fault }): Record<(typeof COLUMNS)[number], string> => ({
      name: `Broken detection ${seed}`,
      category: 'Detection engineering',
      description: descriptionOf(seed),
      value: String(POINTS[fault.kind]),
      type: 'standard',
      state: 'visible',
      flags: flagOf(seed, fault, key),
      tags: 'datadog',
      hints: HINTS[fault.kind],
    }),
  )
  return [COLUMNS, ...rows.map((row) => COLUMNS.map((name) => row[name]))]
    .map((cells) => `${cells.map(cellOf).join(',')}\r\n`)
    .join('')
}

/** What `grade` prints for a solved exercise. */
export function flagOf(seed: number, { detection, mutant }: Fault, key: string): string {
  const text = JSON.stringify([seed, detection.monitor.slug, mutant.after])
  return `ato{${createHmac('sha256', key).update(text).digest('hex').slice(0, 32)}}`
}

const descriptionOf = (seed: number): string =>
  [
    'One of the monitors that this lab evaluates has a fault. Find it, and repair it.',
    `1. Start the lab: \`npm start -- --exercise ${seed}\``,
    '2. Carry out attacks from the console, and see which detection stays silent or accuses somebody honest.',
    '3. Repair its file in `.lab/exercise/detections`. The running lab reads it anew.',
    '4. `npm run exercise -- grade` prints the flag.',
  ].join('\n\n')

/** @see RFC 4180 */
const cellOf = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
