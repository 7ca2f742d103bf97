import { availableParallelism } from 'node:os'
import { type Io, json, readArguments, reflowed } from 'alertproof/cli'
import { benchEpoch } from './epoch.ts'
import { benchLoadTime } from './load-time.ts'
import { benchReplay, type ReplayBench, twoMonitors } from './replay.ts'
import { replayMemory } from './replay-memory.ts'
import { benchThreads, type ThreadsBench } from './replay-threads.ts'
import { document, table } from './report.ts'
import { benchRevokes } from './revokes.ts'
import { type Comparison, holds } from './rounds.ts'
import { benchService, type Length } from './service.ts'
import { holdingStores, stopAtSignals } from './stopping.ts'
import { benchSweep } from './sweeps.ts'

const usage = `Usage: npm run bench [-- --quick --only PART --json]

Measures the product against peers in alternating rounds, and prints the median and range of both and
of their ratio. Only the ratios can be compared between machines.

  sign-ins       per second over HTTP through the compiled functions, 16 at once, against bcryptjs alone in as many worker
                 threads as there are cores, at the same cost (at least 0.85)
  session check  99th percentile, one due every 20 ms, while sign-ins saturate the service, against idle (at most 10)
  alert          99th percentile of the milliseconds from an alert to the first refusal of its session, idle, against 250 (at most 1)
  epoch          milliseconds of a session check, against the same without the check whether its user's sessions were
                 revoked (at most 1.05)
  replay         events per CPU second, against JSON.parse of every line of the same log: through two monitors, one of which
                 counts events and one counts distinct values (at least 1); through eight (at least 0.9); through these
                 two and a formula (at least 0.7); of 30,000 groups by
                 two facets (at least 0.6); of texts with many escapes, and of messages of 2 KB, through two (at least 1).
                 Each minute, through the two and of the 30,000 groups, against a query of DuckDB that a person wrote for
                 this log, on two threads (at least 0.9)
  threads        events per second of wall time on two threads, against one: where two cores are free (at least 1.6)
  memory         peak of a replay through every monitor, half a million events an hour: of two hours, which fill the
                 longest window, against 150 MiB (at most 1); of ten hours (four with --quick), against two (at most 1.1)
  revokes        signed calls per CPU second of web, bundled as deployed, over stores in memory, against node:http that
                 answers at once (at least 0.35), and beside it what Express alone makes of that
  sweeper        rows a second of 10,000 open sessions, over stores in memory, against reading these by the page (at
                 least 0.8); CPU for one of a million rows (a hundred thousand with --quick), made as they are read,
                 against one of ten thousand (at most 1.2)
  load           milliseconds for the one file that is deployed, in a fresh process, against its sources (at most 0.4)

All parts share this machine's cores: functions with its hash workers, PostgreSQL, Redis, Azurite, and in one process the
clients with the lab's log delivery and the stand-in for Datadog. The bare hashing uses the cores alone.

Options:
  --quick  run three short rounds, for a rough impression only
  --only PART  measure this part only: replay, threads, memory, load, epoch, revokes, sweeper, or service, which is the
           first three above. May be repeated
  --json   print one JSON document on stdout, with every round
  --help   this text

Exit code: 0 if every ratio holds, 1 if one is missed, 2 for unusable arguments, 130 after Ctrl-C.
`

/** As a shell reports a command that Ctrl-C ended. */
const STOPPED = 130
const FULL: Length = { rounds: 5, turns: 3, milliseconds: 2000 }
const QUICK: Length = { rounds: 3, turns: 2, milliseconds: 1500 }
/** One hour of a busy service. The first round includes compilation, which the median excludes. */
const EVENTS = 500_000
/** The longest window of a monitor (session-reuse), on which the memory may depend. */
const FILLING_HOURS = 2

async function main(argv: readonly string[]): Promise<number> {
  const options = readOptions(argv)
  if (typeof options === 'number') return options
  const io = terminal()
  try {
    const where = {
      node: process.version,
      cores: availableParallelism(),
      started_at: new Date().toISOString(),
    }
    const comparisons = await measure(options.quick, options.only, io)
    if (options.json) json(io, document(comparisons, where))
    else io.out(`\nNode ${where.node}, ${where.cores} cores\n\n${table(comparisons, io)}`)
    return comparisons.every(holds) ? 0 : 1
  } catch (error) {
    io.err(`${error instanceof Error ? error.message : String(error)}\n`)
    return io.signal.aborted ? STOPPED : 1
  }
}

interface Part {
  /** Reported before it is measured. */
  readonly says: string
  measure(): Promise<Comparison[]>
}

const say = (io: Io, text: string) => io.err(`${text}\n`)

/** What is measured, by the name for --only, in this order: the replay counts the CPU time of this process, still idle otherwise. */
function partsOf(isQuick: boolean, io: Io): Record<string, Part> {
  const length = isQuick ? QUICK : FULL
  const hours = isQuick ? 4 : 10
  const replays = { events: EVENTS, rounds: length.rounds }
  return {
    replay: {
      says: `Replaying ${EVENTS.toLocaleString('en')} events, ${length.rounds} rounds`,
      measure: async () => replayComparisons(await benchReplay(replays)),
    },
    threads: {
      says: 'Replaying on two threads and on one',
      measure: async () => [threadsComparison(await benchThreads(await twoMonitors(), replays))],
    },
    memory: {
      says: `Replaying ${FILLING_HOURS} and ${hours} hours for their memory`,
      measure: async () => memoryComparisons(await replayMemory(FILLING_HOURS), await replayMemory(hours), hours),
    },
    load: { says: 'Loading the functions', measure: async () => [await benchLoadTime()] },
    epoch: {
      says: 'Checking sessions with and without the epoch',
      measure: () => holdingStores(async () => [await benchEpoch({ rounds: 4 * length.rounds, signal: io.signal })]),
    },
    revokes: {
      says: 'Revoking sessions on web',
      measure: async () => benchRevokes({ rounds: length.rounds }),
    },
    sweeper: {
      says: 'Sweeping open sessions',
      measure: async () => benchSweep({ rounds: length.rounds, many: isQuick ? 100_000 : 1_000_000 }),
    },
    service: {
      says: 'Starting the service',
      measure: () => holdingStores(() => benchService(length, (text) => say(io, text), io.signal)),
    },
  }
}

/** The parts in the order of the report. */
const REPORTED = ['service', 'epoch', 'revokes', 'sweeper', 'replay', 'threads', 'memory', 'load']

async function measure(isQuick: boolean, only: readonly string[], io: Io): Promise<Comparison[]> {
  const found = new Map<string, Comparison[]>()
  for (const [name, part] of Object.entries(partsOf(isQuick, io))) {
    if (only.length > 0 && !only.includes(name)) continue
    io.signal.throwIfAborted()
    say(io, part.says)
    found.set(name, await part.measure())
  }
  return REPORTED.flatMap((name) => found.get(name) ?? [])
}

const threadsComparison = ({ two, one }: ThreadsBench): Comparison => ({
  name: 'replay on two threads over one',
  measured: { what: 'replay on two threads', unit: 'events per s', rounds: two },
  peer: { what: 'the same on one', unit: 'events per s', rounds: one },
  bound: { atLeast: 1.6 },
})

/** The least ratio to the peer, in the order in which the replays are measured. */
const REPLAY_AIMS = [1, 0.9, 0.7, 0.9, 0.6, 0.9, 1, 1]

const replayComparisons = (benches: readonly ReplayBench[]): Comparison[] =>
  benches.map(({ what, replay, peer }, i) => {
    const unit = 'events per CPU s'
    return {
      name: `${what} over ${peer.name}`,
      measured: { what, unit, rounds: replay },
      peer: { what: peer.what, unit, rounds: peer.rounds },
      bound: { atLeast: REPLAY_AIMS[i] ?? 1 },
    }
  })

function memoryComparisons(ofFew: number, ofMore: number, hours: number): Comparison[] {
  const few = { what: `peak memory of ${FILLING_HOURS} hours`, unit: 'MiB', rounds: [ofFew] }
  return [
    {
      name: 'memory over its limit',
      measured: few,
      peer: { what: 'the limit', unit: 'MiB', rounds: [150] },
      bound: { atMost: 1 },
    },
    {
      name: `memory of ${hours} hours over ${FILLING_HOURS}`,
      measured: { what: `peak memory of ${hours} hours`, unit: 'MiB', rounds: [ofMore] },
      peer: few,
      bound: { atMost: 1.1 },
    },
  ]
}

function readOptions(argv: readonly string[]): { quick: boolean; json: boolean; only: readonly string[] } | 0 | 2 {
  try {
    const { values } = readArguments({
      args: [...argv],
      options: {
        quick: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        only: { type: 'string', multiple: true, default: [] },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    const unknown = values.only.find((name) => !REPORTED.includes(name))
    if (unknown !== undefined) throw new Error(`There is no part "${unknown}". The parts are ${REPORTED.join(', ')}.`)
    if (!values.help) return values
    process.stdout.write(reflowed(usage))
    return 0
  } catch (error) {
    process.stderr.write(
      `${error instanceof Error ? error.message : error}\nRun "npm run bench -- --help" for usage.\n`,
    )
    return 2
  }
}

function terminal(): Io {
  const err = (text: string) => void process.stderr.write(text)
  return {
    out: (text) => void process.stdout.write(text),
    err,
    color: process.stdout.isTTY === true && !process.env.NO_COLOR,
    signal: stopAtSignals(err),
  }
}

process.exitCode = await main(process.argv.slice(2))
