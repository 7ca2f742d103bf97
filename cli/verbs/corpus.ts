import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { loadMonitors, MonitorError } from 'alertproof'
import {
  type Command,
  columns,
  duration,
  type Io,
  json,
  paint,
  readArguments,
  UsageError,
  unknownName,
  wholeNumber,
} from 'alertproof/cli'
import { type ProfileName, profiles } from '../../detections/profiles.ts'
import { DEFAULT_OFFICE, ordinaryLife } from '../../proof/corpus/corpus.ts'
import { type Judgement, judge } from '../../proof/corpus/judge.ts'
import { withProfile } from '../../proof/corpus/profile.ts'
import type { Event } from '../../shared/event.ts'

const USAGE = `Usage: npm run corpus [-- --events 1000000 --seed 1]

Simulates some days of ordinary use as events of the app and evaluates the detections over them: offices behind one address,
phones between networks, forgotten and mistyped passwords, password managers, programs with an old password, authenticators,
browser updates, new devices, journeys, VPNs, a wave of sign-ups, scanners, retries. Nobody attacks, so every alert is a
false one. Evaluation is at each event's own time and every minute; events arrive late and out of order.

Options:
  --events N        number of events (default 200000); the number of people grows with it, so that they span some days
  --seed N          seed of the town; the same seed and number give the same events (default 1)
  --profile NAME    thresholds: prod, for real traffic, or demo, as in the files (default prod; docs/detections.md)
  --office N        number of people who share the address of the largest office (default ${DEFAULT_OFFICE})
  --detections DIR  evaluate every monitor.json below DIR (default detections)
  --out FILE        write the events as JSON lines, in order of arrival
  --json            print one JSON document on stdout
  --help            this text

Exit code: 0 if no detection alerted, 1 if one did, 2 for unusable arguments.

Examples:
  npm run corpus -- --events 1000000 --seed 7
  npm run corpus -- --profile demo --office 25
`

export const command: Command = {
  name: 'corpus',
  summary: 'simulate some days of ordinary use and count the alerts, all of them false',
  usage: USAGE,
  async run(argv, io) {
    const { values } = readArguments({
      args: [...argv],
      options: {
        events: { type: 'string', default: '200000' },
        seed: { type: 'string', default: '1' },
        profile: { type: 'string', default: 'prod' },
        office: { type: 'string', default: String(DEFAULT_OFFICE) },
        detections: { type: 'string', default: 'detections' },
        out: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    })
    const seed = wholeNumber('--seed', values.seed, 0, 2 ** 32 - 1)
    const events = wholeNumber('--events', values.events, 1, 100_000_000)
    const { profile } = values
    if (!isProfile(profile)) throw new UsageError(unknownName('profile', profile, Object.keys(profiles)))
    const office = wholeNumber('--office', values.office, 1, 10_000)
    const files = await loadMonitors(values.detections).catch((error: unknown) => {
      throw error instanceof MonitorError ? new UsageError(error.message) : error
    })
    const monitors = await withProfile(files, profile)
    const started = performance.now()
    const writing = values.out === undefined ? undefined : await openLines(values.out)
    const progress = progressOf(io, events)
    const judgement = await judge(monitors, ordinaryLife({ events, seed, office }), {
      seed,
      arrived(event) {
        progress()
        writing?.line(event)
      },
    })
    await writing?.close()
    const took = performance.now() - started
    if (values.json) json(io, document(judgement, { seed, profile, office, took }))
    else io.out(`${table(judgement, io)}\n`)
    const alerts = judgement.detections.reduce(
      (sum, { alarms }) => sum + alarms.arrival.length + alarms.cadence.length,
      0,
    )
    const summary = `${judgement.events.toLocaleString('en')} events from ${judgement.from} to ${judgement.to}, in ${duration(took)}`
    io.err(`${summary}: ${paint(io, alerts === 0 ? 'green' : 'red', `${alerts === 0 ? 'no' : alerts} false alerts`)}\n`)
    return alerts === 0 ? 0 : 1
  },
}

const isProfile = (name: string): name is ProfileName => Object.hasOwn(profiles, name)

/** Writes many lines at a time, because one write per line would take longer than the evaluation. */
async function openLines(file: string): Promise<{ line(event: Event): void; close(): Promise<void> }> {
  const stream = createWriteStream(file)
  await once(stream, 'open')
  let lines: string[] = []
  const flush = () => {
    stream.write(lines.join(''))
    lines = []
  }
  return {
    line(event) {
      lines.push(`${JSON.stringify(event)}\n`)
      if (lines.length >= 2_000) flush()
    },
    async close() {
      flush()
      stream.end()
      await once(stream, 'close')
    },
  }
}

function progressOf(io: Io, events: number): () => void {
  const step = Math.max(100_000, Math.floor(events / 20))
  let count = 0
  return () => {
    if (++count % step !== 0 || count >= events) return
    io.signal.throwIfAborted()
    io.err(`${count.toLocaleString('en')} events\n`)
  }
}

function table({ detections }: Judgement, io: Io): string {
  const rows = detections.map(({ monitor, alarms, nearest }) => {
    const { operator, threshold, windowMs } = monitor.parsed
    const alerts = [alarms.cadence.length, alarms.arrival.length]
    const tone = alerts.some((count) => count > 0) ? 'red' : 'green'
    const falling = operator.startsWith('<')
    const limit = falling ? `silent for ${windowMs / 1000} s` : `${operator} ${threshold} in ${windowMs / 60_000} min`
    const reached = falling ? `${nearest.value} s` : String(nearest.value)
    return [monitor.slug, ...alerts.map((count) => paint(io, tone, String(count))), limit, reached]
  })
  return columns([['detection', 'alerts each minute', 'at once', 'threshold', 'nearest'], ...rows])
}

interface RunFacts {
  seed: number
  profile: string
  office: number
  took: number
}

const document = ({ events, from, to, detections }: Judgement, { took, ...facts }: RunFacts) => ({
  events,
  ...facts,
  from,
  to,
  seconds: Math.round(took) / 1000,
  detections: detections.map(({ monitor, alarms, nearest }) => ({
    detection: monitor.slug,
    threshold: `${monitor.parsed.operator} ${monitor.parsed.threshold}`,
    nearest: nearest.value,
    alerts: alarms,
  })),
})
