import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadMonitors, type Monitor, readMonitor, type Transition } from 'alertproof'
import { fileChunks, replayStream, visitLines } from 'alertproof/replay'
import { type BatchRule, batchSql, DuckDb } from './batch-sql.ts'
import { type Shape, writeEvents } from './events.ts'
import { inTemporaryFolder } from './stopping.ts'

/** Events per CPU second of replays of one log, and of its peer in the same rounds. */
export interface ReplayBench {
  readonly what: string
  readonly replay: readonly number[]
  readonly peer: { readonly name: string; readonly what: string; readonly rounds: readonly number[] }
}

/** What is measured of a log. The peer is DuckDB where `rules` say the same as the monitors, else `JSON.parse` of every line. */
interface MeasuredReplay {
  readonly what: string
  readonly monitors: readonly Monitor[]
  readonly rules?: readonly BatchRule[]
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

/** What the two monitors and the one of many groups count, for the batch query. */
const TWO_RULES: readonly BatchRule[] = [
  {
    where: "env = 'prod' AND evt = 'login' AND outcome = 'fail' AND reason NOT IN ('blocked', 'busy', 'malformed')",
    keys: ['network'],
    value: 'request_id',
    minutes: 5,
    above: 10,
  },
  {
    where: "env = 'prod' AND evt = 'session' AND outcome IN ('new', 'seen')",
    keys: ['sid'],
    value: 'device_hash',
    minutes: 120,
    above: 1,
  },
]
const RULE_BY_USER_AND_SESSION: BatchRule = {
  where: "evt = 'session'",
  keys: ['usr', 'sid'],
  value: 'device_hash',
  minutes: 5,
  above: 1,
}

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
 * Measures events per CPU second (all threads) of replays of logs of each shape against `JSON.parse` of every line, and against
 * DuckDB, in alternating rounds. All read the same file; replay and parse with the same line reader.
 */
export async function benchReplay(options: { events?: number; rounds?: number } = {}): Promise<ReplayBench[]> {
  const { events = 500_000, rounds = 5 } = options
  const [ofTwo, ofEight] = [await named(TWO), await named(EIGHT)]
  const two = { what: 'replay through two monitors', monitors: ofTwo }
  const measured: readonly [Shape, readonly MeasuredReplay[]][] = [
    [
      'service',
      [
        two,
        { what: 'replay through eight monitors', monitors: ofEight },
        { what: 'replay through two monitors and a formula', monitors: [...ofTwo, FAILURE_RATE] },
        { what: 'replay each minute through two monitors', monitors: ofTwo, rules: TWO_RULES },
      ],
    ],
    [
      'groups',
      [
        { what: 'replay of 30,000 groups by two facets', monitors: [BY_USER_AND_SESSION] },
        {
          what: 'replay each minute of 30,000 groups by two facets',
          monitors: [BY_USER_AND_SESSION],
          rules: [RULE_BY_USER_AND_SESSION],
        },
      ],
    ],
    ['escapes', [{ ...two, what: 'replay of texts with many escapes' }]],
    ['long', [{ ...two, what: 'replay of long messages' }]],
  ]
  const benches: ReplayBench[] = []
  for (const [shape, replays] of measured) benches.push(...(await benchShape(shape, replays, events, rounds)))
  return benches
}

/** The two monitors of a replay. */
export const twoMonitors = (): Promise<readonly Monitor[]> => named(TWO)

async function named(slugs: readonly string[]): Promise<readonly Monitor[]> {
  const catalogue = await loadMonitors(join(import.meta.dirname, '../detections'))
  const monitors = catalogue.filter(({ slug }) => slugs.includes(slug))
  if (monitors.length < slugs.length) throw new Error(`of the monitors ${slugs.join(', ')} not all exist`)
  return monitors
}

const benchShape = (...measured: [Shape, readonly MeasuredReplay[], number, number]): Promise<ReplayBench[]> =>
  inTemporaryFolder(join(tmpdir(), 'ato-bench-'), (dir) => benchIn(dir, ...measured))

async function benchIn(
  dir: string,
  shape: Shape,
  replays: readonly MeasuredReplay[],
  events: number,
  rounds: number,
): Promise<ReplayBench[]> {
  const duckDb = await DuckDb.start()
  try {
    const file = join(dir, 'events.jsonl')
    await writeEvents(file, events, shape)
    const perSecond = async (work: () => Promise<unknown>) => events / (await cpuSeconds(work))
    const parse: number[] = []
    const benches = replays.map((measured) => ({ ...measured, replay: [] as number[], batch: [] as number[] }))
    for (let round = 0; round < rounds; round++) {
      parse.push(await perSecond(() => parseAll(file)))
      for (const { monitors, rules, replay, batch } of benches) {
        let found = 0
        replay.push(
          await perSecond(async () => {
            found = await replayAll(file, monitors, rules === undefined)
          }),
        )
        if (rules === undefined) continue
        const sql = batchSql(file, rules)
        batch.push(
          await perSecond(async () => {
            const { length } = await duckDb.run(sql)
            if (length !== found) throw new Error(`DuckDB found ${length} changes, the replay ${found}`)
          }),
        )
      }
    }
    return benches.map(({ what, rules, replay, batch }) => {
      const parsing = { name: 'parsing', what: 'JSON.parse of every line', rounds: parse }
      const peer = rules ? { name: 'DuckDB', what: 'a batch query of DuckDB on two threads', rounds: batch } : parsing
      return { what, replay, peer }
    })
  } finally {
    duckDb.stop()
  }
}

async function cpuSeconds(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

/**
 * @param live whether monitors are evaluated at each event, instead of each minute
 * @returns the number of changes without reminders
 * @throws Error if the replay found nothing, so that nothing was measured
 */
async function replayAll(file: string, monitors: readonly Monitor[], live: boolean): Promise<number> {
  let changes = 0
  const visitor = {
    transition({ transition }: Transition) {
      if (!transition.startsWith('Re-')) changes++
    },
    malformed: refuse,
  }
  await replayStream(fileChunks(await open(file)), monitors, { live }, visitor)
  if (changes === 0) throw new Error('the replay found nothing')
  return changes
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
