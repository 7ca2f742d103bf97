import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadMonitors, type Monitor, readMonitor } from 'alertproof'
import { fileChunks, replayStream, visitLines } from 'alertproof/replay'
import { type Shape, writeEvents } from './events.ts'

/** Events per CPU second of replays of one log, and of `JSON.parse` of it in the same rounds. */
export interface ReplayBench {
  readonly what: string
  readonly replay: readonly number[]
  readonly parse: readonly number[]
}

/** One counts events, one counts distinct values. */
const TWO = ['credential-stuffing', 'session-reuse']
/** Monitors of all kinds: grouped by addresses, sessions, logins, accounts or a list, or not grouped. */
const EIGHT = [
  ...TWO,
  ...['account-brute-force', 'distributed-stuffing', 'impossible-travel', 'otp-replay'],
  ...['password-spraying', 'telemetry-silence'],
]

/** Distinct devices by two facets: 30,000 groups in each window of the log of many groups. */
const BY_USER_AND_SESSION = readMonitor({
  name: 'Session reuse by user and session',
  type: 'log alert',
  query:
    'logs("service:mini-ato-saas @evt:session").index("*").rollup("cardinality", "@device_hash").by("@usr.id,@sid").last("5m") > 1',
  message: '',
  options: { thresholds: { critical: 1 }, new_group_delay: 0, on_missing_data: 'resolve' },
})

const loginsBy = (name: string, outcome: string) => ({
  ...{ name, data_source: 'logs', indexes: ['*'], compute: { aggregation: 'count' } },
  search: { query: `service:mini-ato-saas @evt:login${outcome}` },
  group_by: [{ facet: '@ip', limit: 1000, sort: { aggregation: 'count', order: 'desc' } }],
})

/** The rate of logins that fail, by address. */
const FAILURE_RATE = readMonitor({
  name: 'Failure rate of logins by address',
  type: 'log alert',
  query: 'formula("100 * default_zero(failed) / tried").last("5m") > 90',
  message: '',
  options: {
    thresholds: { critical: 90 },
    variables: [loginsBy('failed', ' @outcome:fail'), loginsBy('tried', '')],
    new_group_delay: 0,
    on_missing_data: 'resolve',
  },
})

/**
 * Measures events per CPU second (all threads) of replays of logs of each shape against `JSON.parse` of every line, in alternating
 * rounds. All read the same file with the same line reader.
 */
export async function benchReplay(options: { events?: number; rounds?: number } = {}): Promise<ReplayBench[]> {
  const { events = 500_000, rounds = 5 } = options
  const catalogue = await loadMonitors(join(import.meta.dirname, '../detections'))
  const named = (slugs: readonly string[]) => {
    const monitors = catalogue.filter(({ slug }) => slugs.includes(slug))
    if (monitors.length < slugs.length) throw new Error(`of the monitors ${slugs.join(', ')} not all exist`)
    return monitors
  }
  const two = { what: 'replay through two monitors', monitors: named(TWO) }
  const measured: readonly [Shape, readonly { what: string; monitors: readonly Monitor[] }[]][] = [
    [
      'service',
      [
        two,
        { what: 'replay through eight monitors', monitors: named(EIGHT) },
        { what: 'replay through two monitors and a formula', monitors: [...named(TWO), FAILURE_RATE] },
      ],
    ],
    ['groups', [{ what: 'replay of 30,000 groups by two facets', monitors: [BY_USER_AND_SESSION] }]],
    ['escapes', [{ ...two, what: 'replay of texts with many escapes' }]],
    ['long', [{ ...two, what: 'replay of long messages' }]],
  ]
  const benches: ReplayBench[] = []
  for (const [shape, replays] of measured) benches.push(...(await benchShape(shape, replays, events, rounds)))
  return benches
}

async function benchShape(
  shape: Shape,
  replays: readonly { what: string; monitors: readonly Monitor[] }[],
  events: number,
  rounds: number,
): Promise<ReplayBench[]> {
  const dir = await mkdtemp(join(tmpdir(), 'ato-bench-'))
  try {
    const file = join(dir, 'events.jsonl')
    await writeEvents(file, events, shape)
    const perSecond = async (work: () => Promise<unknown>) => events / (await cpuSeconds(work))
    const parse: number[] = []
    const benches = replays.map(({ what, monitors }) => ({ what, monitors, parse, replay: [] as number[] }))
    for (let round = 0; round < rounds; round++) {
      parse.push(await perSecond(() => parseAll(file)))
      for (const { monitors, replay } of benches) replay.push(await perSecond(() => replayAll(file, monitors)))
    }
    return benches
  } finally {
    await rm(dir, { recursive: true })
  }
}

async function cpuSeconds(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

/** @throws Error if the replay found nothing, so that nothing was measured */
async function replayAll(file: string, monitors: readonly Monitor[]): Promise<void> {
  let transitions = 0
  const visitor = { transition: () => transitions++, malformed: refuse }
  await replayStream(fileChunks(await open(file)), monitors, { live: true }, visitor)
  if (transitions === 0) throw new Error('the replay found nothing')
}

async function parseAll(file: string): Promise<void> {
  const stream = fileChunks(await open(file))
  const lines = {
    line: (buffer: Buffer, start: number, end: number) => JSON.parse(buffer.toString('utf8', start, end)),
    tooLong: () => refuse('a line', 'is too long'),
  }
  await visitLines(stream, lines)
}

function refuse(place: string, reason: string): never {
  throw new Error(`${place} ${reason}`)
}
