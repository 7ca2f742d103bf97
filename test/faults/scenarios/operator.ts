import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { childEnvironment } from '../../../lab/processes/environment.ts'
import type { Containment } from '../../../shared/stores/port.ts'
import { aboutSession, deliverAll } from '../alarm.ts'
import { gather, measure } from '../drill.ts'
import type { Scenario } from '../scenario.ts'
import type { Stage } from '../stage.ts'

const RUN = fileURLToPath(new URL('../../../cli/run.mjs', import.meta.url))
const MAIN = fileURLToPath(new URL('../../../cli/main.ts', import.meta.url))
const COUNT = 80
const OPERATOR = 'fault suite'
/** As a shell reports a command that Ctrl-C ended. */
const STOPPED = 130

interface Command {
  readonly code: number | null
  /** The ids of the containments that it reported. */
  readonly reported: readonly string[]
  readonly said: string
}

/** `npm run contain -- retry --all`. @param stopAfter the number of reported rows after which it gets SIGINT */
async function retryAll(stage: Stage, stopAfter?: number): Promise<Command> {
  const args = ['retry', '--all', '--state', 'held', '--why', 'a drill', '--json', '--dir', stage.lab.dir]
  const child = spawn(process.execPath, [RUN, MAIN, 'contain', ...args], {
    env: childEnvironment({ ATO_OPERATOR: OPERATOR }),
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: stage.signal,
  })
  const reported: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => {
    reported.push((JSON.parse(line) as Containment).id)
    if (reported.length === stopAfter) child.kill('SIGINT')
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const [code, said] = await Promise.all([ended, text(child.stderr)])
  return { code, reported, said }
}

/** The rows that an operator has decided about. */
async function decided(stage: Stage): Promise<Containment[]> {
  return (await stage.cast.containments.list({})).filter(({ why }) => why === 'a drill')
}

/**
 * Rows that the cap holds are carried out by an operator's command, which is stopped in the middle and given again. What
 * it began is finished and reported; nothing else has changed.
 */
export const operatorStopped: Scenario = {
  name: 'operator-stopped',
  fault: `\`contain retry --all\` over ${COUNT} held rows stopped in the middle, then given again`,
  injected: 'SIGINT at a random row',
  async run(stage) {
    const crowd = await gather(stage, COUNT)
    // An old alert waits for an operator, whatever the cap has left.
    const date = Date.now() - 3_600_000
    await deliverAll(
      stage,
      crowd.victims.map((victim) => ({ ...aboutSession(victim, `operator-${victim.sid}`), date })),
    )
    const first = await retryAll(stage, 1 + stage.random.int(COUNT / 4))
    const begun = await decided(stage)
    const unfinished = begun.filter(({ state }) => state !== 'done').length
    const unreported = begun.filter(({ id }) => !first.reported.includes(id)).length
    const second = await retryAll(stage)
    if (first.code !== STOPPED || second.code !== 0) {
      throw new Error(`the command ended with ${first.code} and ${second.code}: ${first.said}${second.said}`)
    }
    // The command writes its events to the log of the lab itself.
    for (const line of (await readFile(stage.lab.logs.events, 'utf8')).split('\n')) {
      if (line.includes(`"operator":"${OPERATOR}"`)) stage.record.take(line)
    }
    const row = await measure(stage, crowd, Date.now())
    return {
      ...row,
      lost: row.lost + unfinished,
      unreported: row.unreported + unreported,
      remark: `${begun.length} were begun before the command ended`,
    }
  },
}
