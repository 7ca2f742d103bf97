import { relative, resolve } from 'node:path'
import { type Command, columns, duration, type Io, json, paint, readArguments, wholeNumber } from 'alertproof/cli'
import { SEED_MAX } from '../../attacks/kit/random.ts'
import { settingsFrom } from '../../lab/start/environment.ts'
import { findFunc } from '../../lab/start/func.ts'
import { type LabHandle, LabRunningError, startLab } from '../../lab/start/lab.ts'
import { type Launch, launchFunc } from '../../lab/start/programs.ts'
import { readRunFile } from '../../lab/start/run-file.ts'
import { openConsole } from '../console/open.ts'
import type { Prepared } from '../exercise/prepare.ts'
import { newsLine } from '../news.ts'
import { watchParent } from '../parent.ts'

const USAGE = `Usage: npm start [-- <options>]

Starts the lab on this machine: stores, functions, web, their edges, the log drain, and the stand-in for Datadog, which also
shows the lab's mail. Ctrl-C stops everything it started.

An edited monitor.json, siem.json, webhook.json, siem-webhook.json or pipeline.json in detections/ is read anew: accepted, or
refused with file and place while the one before stays. A monitor that is evaluated otherwise starts again; the others go on.

Options:
  --cadence SECONDS  evaluate monitors at this interval; Datadog's is 60 (default: at each event)
  --port N           port of web (default 8000); a free port is used instead of a taken one
  --functions-port N port of the functions (default 7071)
  --datadog-port N   port of the Datadog stand-in (default 8126)
  --dir DIR          directory of data, secrets and logs (default .lab)
  --exercise SEED    hide one fault in a copy of the detections, .lab/exercise/detections, and evaluate that copy; the seed
                     chooses the fault. See npm run exercise -- --help
  --func             run the functions under Azure Functions Core Tools, which must be installed
  --json             once ready, print the content of run.json on stdout as one line
  --help             this text

DATABASE_URL, REDIS_URL and TABLES_CONNECTION each replace one embedded store.

Examples:
  npm start
  npm start -- --cadence 60
  npm start -- --exercise 7
`

export const command: Command = {
  name: 'start',
  summary: 'start the lab; Ctrl-C stops everything it started',
  usage: USAGE,
  async run(argv, io) {
    const options = readOptions(argv)
    // The end of the parent process stops the lab, as Ctrl-C does.
    const stopping = new AbortController()
    const stop = () => stopping.abort()
    if (io.signal.aborted) stop()
    io.signal.addEventListener('abort', stop)
    const unwatch = watchParent(stop)
    try {
      return await runLab(options, io, stopping.signal)
    } catch (error) {
      if (stopping.signal.aborted) {
        io.err('Stopped.\n')
        return 0
      }
      if (!(error instanceof LabRunningError)) throw error
      io.err(`${alreadyRunning(error)}\n`)
      return 1
    } finally {
      unwatch()
    }
  },
}

const DEFAULT_DIR = '.lab'

type Options = ReturnType<typeof readOptions>

async function runLab(options: Options, io: Io, signal: AbortSignal): Promise<number> {
  const log = (text: string) => io.err(`${text}\n`)
  const func = options.func ? await realHost(log) : undefined
  const { DATABASE_URL, REDIS_URL, TABLES_CONNECTION, ...env } = process.env
  const exercise = options.exercise === undefined ? undefined : await exerciseOf(options.dir, options.exercise)
  const opened = openConsole(options.dir, log)
  const lab = await startLab({
    dir: options.dir,
    ...(exercise && { exercise: exercise.seed, detections: exercise.detections }),
    ports: options.ports,
    log: (text) => log(paint(io, 'yellow', text)),
    onReady: ({ name, detail, ms }) => log(stepLine(io, name, detail, ms)),
    signal,
    followDetections: true,
    console: opened.ports,
    given: { DATABASE_URL, REDIS_URL, TABLES_CONNECTION },
    withBlobAndQueue: func !== undefined,
    settings: settingsFrom(env),
    ...(func ? { programs: { functions: func } } : {}),
    ...(options.cadenceSeconds === undefined ? {} : { cadenceSeconds: options.cadenceSeconds }),
  })
  if (options.json) json(io, await lab.run())
  log(welcome(io, lab, options.dir))
  if (exercise) log(exerciseText(io, exercise, lab, options.dir))
  const tell = (event: Parameters<typeof newsLine>[0]) => log(newsLine(event, Date.now(), io))
  lab.datadog.subscribe(tell)
  lab.datadog.signals.subscribe(tell)
  const failure = await Promise.race([lab.failed, untilAborted(signal)])
  if (failure) log(paint(io, 'red', failure.message))
  log('Stopping …')
  await opened.close()
  await lab.stop()
  log('Stopped.')
  return failure ? 1 : 0
}

interface RunningExercise extends Prepared {
  readonly seed: number
}

/** Loads the detections with their cases only where an exercise is asked for. */
async function exerciseOf(dir: string, seed: number): Promise<RunningExercise> {
  const running = await readRunFile(dir)
  // Its working copy is in use.
  if (running) throw new LabRunningError(running)
  const { prepareExercise } = await import('../exercise/prepare.ts')
  return { seed, ...(await prepareExercise(resolve(dir), seed)) }
}

function exerciseText(io: Io, { seed, detections, isContinued }: RunningExercise, lab: LabHandle, dir: string): string {
  const inDir = dir === DEFAULT_DIR ? '' : ` --dir ${quoted(dir)}`
  const [folder, events] = [relative('.', detections), relative('.', lab.logs.events)].map(quoted)
  return `${paint(io, 'bold', `Exercise ${seed} runs: one monitor has a fault.`)}
Run attacks, and see which detection stays silent or accuses somebody honest.
Ask why:
  npm run alertproof -- explain ${events} --live --detections ${folder}/<slug>/monitor.json
Repair ${folder}/<slug>/monitor.json. The lab reads it anew. Then:
  npm run exercise -- grade${inDir}
${isContinued ? 'What you have changed there before is kept.\n' : ''}`
}

function readOptions(argv: readonly string[]) {
  const { values } = readArguments({
    args: [...argv],
    options: {
      cadence: { type: 'string' },
      port: { type: 'string', default: '8000' },
      'functions-port': { type: 'string', default: '7071' },
      'datadog-port': { type: 'string', default: '8126' },
      dir: { type: 'string', default: DEFAULT_DIR },
      exercise: { type: 'string' },
      func: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  })
  const port = (name: 'port' | 'functions-port' | 'datadog-port') => wholeNumber(`--${name}`, values[name], 0, 65_535)
  return {
    dir: values.dir,
    func: values.func,
    json: values.json,
    exercise: values.exercise === undefined ? undefined : wholeNumber('--exercise', values.exercise, 0, SEED_MAX),
    cadenceSeconds: values.cadence === undefined ? undefined : wholeNumber('--cadence', values.cadence, 1, 3600),
    ports: { web: port('port'), functions: port('functions-port'), datadog: port('datadog-port') },
  }
}

/** @throws when `func` is not usable: a fallback to the embedded host would be mistaken for Azure's own */
async function realHost(log: (text: string) => void): Promise<Launch> {
  const found = await findFunc()
  if (found.kind === 'none') throw new Error(noFunc(found.reasons))
  log(`The functions run under Azure Functions Core Tools ${found.version} (${found.command}).`)
  // Core Tools bind to 0.0.0.0, which no option changes.
  log(
    'Core Tools listen on every address of this machine, not only on loopback: use them only in a network that you trust.',
  )
  return launchFunc(found.command)
}

function noFunc(reasons: readonly string[]): string {
  return [
    '--func: no usable `func` is on PATH.',
    ...reasons.map((reason) => `  ${reason}`),
    'Install Azure Functions Core Tools 4 (npm install --global azure-functions-core-tools@4, or a package of your system),',
    'or start the lab without --func: the functions then run under the embedded host.',
  ].join('\n')
}

function stepLine(io: Io, name: string, detail: string, ms: number): string {
  return `  ${paint(io, 'green', '✓')} ${name.padEnd(18)} ${detail.padEnd(36)} ${paint(io, 'dim', duration(ms))}`
}

function welcome(io: Io, lab: LabHandle, dir: string): string {
  const { web, functions, datadog } = lab.urls
  const places = columns([
    ['  web', paint(io, 'cyan', web)],
    ['  functions', paint(io, 'cyan', `${functions}/api`)],
    ['  Datadog stand-in', paint(io, 'cyan', datadog)],
    ['  mailbox', `${paint(io, 'cyan', lab.datadog.mailboxUrl)} (nothing leaves this machine)`],
    ['  logs', `${relative('.', lab.logs.dir) || '.'}/ (events.jsonl holds both hosts' events)`],
  ])
  const kept = lab.keepsSessions
    ? 'Accounts, ledgers and sessions are kept for the next start.'
    : 'Accounts and ledgers are kept for the next start. Sessions are not: the embedded Redis\nkeeps them in memory. A redis-server on the PATH keeps them.'
  const events = relative('.', lab.logs.events)
  const inDir = dir === DEFAULT_DIR ? '' : ` --dir ${quoted(dir)}`
  const tries = [
    [`${datadog}/`, 'The console: watch a session being stolen, seen and saved. Run an attack there.'],
    [`${web}/register`, 'Create an account and sign in. The mailbox holds the link that confirms it.'],
    [
      `npm run attack -- run session-reuse --mine${inDir}`,
      'Steal your own session, while its page is open, and see it revoked.',
    ],
    [`npm run attack -- run session-reuse --target web${inDir}`, 'The same with an invented person.'],
    ['npm run attack -- list', 'List the other attacks.'],
    [`npm run search -- '@evt:login @outcome:fail' ${quoted(events)}`, 'See what the detections see.'],
  ]
  const next = tries.map(([what, why]) => `  ${what}\n      ${paint(io, 'dim', why ?? '')}`).join('\n')
  return `
${paint(io, 'bold', 'The lab is ready.')}
${places}

Try next:
${next}

${kept}
The lab’s logs say env:prod, because the monitors that are deployed search for it.
npm run lab:reset${inDir && ` --${inDir}`} deletes everything.
Ctrl-C stops everything.
`
}

/** An argument as a POSIX shell reads it. */
const quoted = (text: string): string => (/^[\w./:@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`)

function alreadyRunning({ run }: LabRunningError): string {
  const { web, functions, datadog } = run.urls
  return `A lab is already running as process ${run.pid} since ${run.started_at}:
${columns([
  ['  web', web],
  ['  functions', functions],
  ['  Datadog stand-in', datadog],
  ['  mailbox', `${datadog}/mail`],
])}
Stop it with Ctrl-C in its terminal, or: kill ${run.pid}`
}

function untilAborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    else signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}
