import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Command, duration, type Io, json, paint, readArguments } from 'alertproof/cli'
import { attacks } from '../../attacks/index.ts'
import { newSeed, SEED_MAX } from '../../attacks/kit/random.ts'
import { scoreboard } from '../../proof/verify/scoreboard.ts'
import { modeOf } from '../../proof/verify/verify.ts'
import { attackNamed, targetsNamed, targetsOf, wholeNumber } from '../verify/arguments.ts'
import { htmlReport } from '../verify/html-page.ts'
import { junit } from '../verify/junit.ts'
import { evaluation, findOrStartLab } from '../verify/lab.ts'
import { Narration } from '../verify/narration.ts'
import { page } from '../verify/page.ts'
import { table } from '../verify/table.ts'
import { type Verification, verifyIn } from '../verify/verify-in.ts'

const USAGE = `Usage: npm run verify [-- <slug>… <options>]

Carries out each attack and its benign twin against each target, waits for the alert and the containment, and then checks by
real requests on both hosts that nothing the attacker got opens an account and that nobody honest is locked out. For a prevented
attack it checks that the decisive step is refused, that no account was entered, and that the refusal is in the logs. Uses the
running lab, or starts one and removes it afterwards.

Options:
  --target WHICH     web, functions or both (default both)
  --cadence SECONDS  evaluate monitors at this interval; Datadog's is 60, with which all attacks take about twelve minutes
                     (default: as the running lab does, or at each event in a new one)
  --seed N           repeat the choices of an earlier run
  --json             print the scoreboard as one JSON document on stdout
  --junit FILE       also write the scoreboard as JUnit XML
  --page FILE        also write the scoreboard as a page of the docs
  --html FILE        also write a report as one page: each attack's story with its checks, and the value against the threshold
  --dir DIR          the lab's directory (default .lab)
  --help             this text

Exit code: 0 if everything holds, 1 if something does not, 2 for unusable arguments.

Examples:
  npm run verify
  npm run verify -- session-reuse --target functions
  npm run verify -- --cadence 60 --junit verify.xml
`

export const command: Command = {
  name: 'verify',
  summary: 'carry out every attack and its twin, and print the scoreboard',
  usage: USAGE,
  async run(argv, io) {
    const options = readOptions(argv)
    const say = (text: string) => io.err(`${text}\n`)
    const startedAt = new Date()
    const lab = await findOrStartLab({ ...options, say, signal: io.signal })
    try {
      const runId = `v-${randomBytes(4).toString('hex')}`
      say(`Run ${runId}, seed ${options.seed}.`)
      const narration = new Narration()
      const { verdicts, drawings } = await verifyIn(lab, {
        ...options,
        runId,
        say: lineTo(io, narration),
        signal: io.signal,
        drawings: options.html !== undefined,
      })
      const board = scoreboard({ run_id: runId, mode: modeOf(lab), started_at: startedAt.toISOString() }, verdicts)
      if (options.junit !== undefined) await writeFile(options.junit, junit(board, verdicts))
      if (options.page !== undefined) await writeFile(options.page, page(board, evaluation(lab.cadenceSeconds)))
      if (options.html !== undefined) {
        const words = evaluation(lab.cadenceSeconds)
        const text = htmlReport({ board, verdicts, drawings, narration, evaluation: words, seed: options.seed })
        await writeFile(options.html, text)
      }
      if (options.json) json(io, board)
      else io.out(`\n${table(board, evaluation(lab.cadenceSeconds), io)}`)
      return board.failed === 0 && board.passed > 0 ? 0 : 1
    } finally {
      await lab.close()
    }
  },
}

/** Writes a line for each step, with the time since the start. */
function lineTo(io: Io, narration: Narration): Verification['say'] {
  const startedAt = performance.now()
  return (scenario, text, afterMs) => {
    narration.add(scenario, text, afterMs)
    const time = paint(io, 'dim', duration(performance.now() - startedAt).padStart(7))
    io.err(`${time}  ${scenario}: ${text}${afterMs === undefined ? '' : ` [+${duration(afterMs)}]`}\n`)
  }
}

function readOptions(argv: readonly string[]) {
  const { values, positionals } = readArguments({
    args: [...argv],
    allowPositionals: true,
    options: {
      target: { type: 'string', default: 'both' },
      cadence: { type: 'string' },
      seed: { type: 'string' },
      json: { type: 'boolean', default: false },
      junit: { type: 'string' },
      page: { type: 'string' },
      html: { type: 'string' },
      dir: { type: 'string', default: '.lab' },
    },
  })
  const chosen = positionals.length === 0 ? attacks : positionals.map(attackNamed)
  return {
    ...{ json: values.json, junit: values.junit, page: values.page, html: values.html, dir: resolve(values.dir) },
    attacks: chosen,
    targets: targetsOf(chosen, targetsNamed(values.target)),
    cadenceSeconds: values.cadence === undefined ? undefined : wholeNumber('--cadence', values.cadence, 1, 3600),
    seed: values.seed === undefined ? newSeed() : wholeNumber('--seed', values.seed, 0, SEED_MAX),
  }
}
