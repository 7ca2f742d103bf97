import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { beforeItEnds, startNode } from '../../../lab/processes/part.ts'
import { deferred } from '../../../lab/start/deferred.ts'
import { appEnvironments } from '../../../lab/start/environment.ts'
import { loadSecrets } from '../../../lab/start/secrets.ts'
import { parseFunctionsConfig } from '../../../shared/config.ts'
import { type AlarmPlace, raiseAlarm } from '../alarm.ts'
import { type Cast, openCast, type Person } from '../cast.ts'
import { countKeptOut, drill } from '../drill.ts'
import type { Group, Row } from '../scenario.ts'
import { fillDisk } from '../small-disk.ts'
import { type Stage, wait } from '../stage.ts'
import { tally } from '../verdict.ts'

const RUN = fileURLToPath(new URL('../../../cli/run.mjs', import.meta.url))
const CLI = fileURLToPath(new URL('../../../cli/main.ts', import.meta.url))
const READY_MS = 60_000

/** What `npm start -- --json` prints, as far as it is used here. */
const Started = z.object({
  urls: z.object({ web: z.url(), functions: z.url(), datadog: z.url() }),
  stores: z.object({ DATABASE_URL: z.string(), REDIS_URL: z.string(), TABLES_CONNECTION: z.string() }),
})

interface OwnLab extends AlarmPlace {
  readonly cast: Cast
  readonly ports: readonly number[]
  kill(): Promise<void>
  stop(): Promise<void>
}

/** Starts a lab as a person does: by the command. */
async function startByCommand(dir: string, signal: AbortSignal, ports: readonly number[] = [0, 0, 0]): Promise<OwnLab> {
  const said = deferred<unknown>()
  const options = ['--port', '--functions-port', '--datadog-port'].flatMap((name, at) => [name, String(ports[at] ?? 0)])
  const part = startNode({
    name: 'npm start',
    script: RUN,
    args: [CLI, 'start', '--json', '--dir', dir, ...options],
    env: { REDIS_SERVER: process.env.REDIS_SERVER },
    onStdout: (line) => said.resolve(JSON.parse(line)),
  })
  const { urls, stores } = Started.parse(await beforeItEnds(part, said.promise, READY_MS))
  const secrets = await loadSecrets(dir)
  const mail = { smtpUrl: 'smtp://127.0.0.1:25', mailboxUrl: `${urls.datadog}/mail` }
  const config = parseFunctionsConfig(appEnvironments({ secrets, stores, origins: urls, mail }).functions)
  const cast = await openCast({ config, direct: stores, urls, signal })
  return {
    lab: { datadog: { intakeUrl: `${urls.datadog}/api/v2/logs` }, urls, secrets },
    cast,
    ports: [urls.web, urls.functions, urls.datadog].map((url) => Number(new URL(url).port)),
    async kill() {
      part.kill()
      await part.ended
      await cast.close()
    },
    async stop() {
      await cast.close()
      await part.stop(READY_MS)
    },
  }
}

/** The sessions of the embedded Redis end with the lab: nobody may be in afterwards, and everybody can sign in again. */
async function killAndStart(stage: Stage, count: number): Promise<Row> {
  const dir = join(stage.lab.dir, 'killed')
  const first = await startByCommand(dir, stage.signal)
  let people: Person[]
  try {
    people = await first.cast.people(2 * count)
    await raiseAlarm(first, people.slice(0, count))
    await wait(stage.random.int(1000), stage.signal)
  } finally {
    await first.kill()
  }
  const second = await startByCommand(dir, stage.signal, first.ports)
  try {
    const endedAt = Date.now()
    const looks = await second.cast.askAll(people)
    const victims = people.slice(0, count).map((_, index) => ({
      due: 'out' as const,
      outAt: looks[index] === 'out' ? endedAt : undefined,
      finally: looks[index] ?? 'unknown',
      events: [],
    }))
    const wronglyDead = await countKeptOut({ cast: second.cast, signal: stage.signal }, people.slice(count))
    const row = { ...tally(victims, [], endedAt), wronglyDead }
    const remark = 'everybody is signed out, as documented, and signs in again; the killed lab’s events are not counted'
    return { ...row, unreported: 0, remark }
  } finally {
    await second.stop()
  }
}

export const wholeLab: Group = {
  name: 'lab',
  smallDisk: true,
  scenarios: [
    {
      name: 'disk-full',
      fault: 'the disk of the lab full: logs, Tables, Redis',
      injected: 'a tmpfs, filled to its last byte for 8 s',
      needs: ['mount'],
      async run(stage, usual) {
        const { events } = stage.lab.logs
        const row = await drill(stage, {
          ...{ count: usual, tries: 1, lastsMs: 8000 },
          fault: () => fillDisk(stage.lab.dir),
        })
        const before = (await stat(events)).size
        await stage.cast.people(1).then((people) => stage.cast.askAll(people))
        await wait(500, stage.signal)
        const isDead = (await stat(events)).size <= before
        return { ...row, unreported: row.unreported + (isDead ? 1 : 0), remark: 'the event log goes on afterwards' }
      },
    },
    {
      name: 'lab-killed',
      fault: '`kill -9` of the lab, then `npm start`',
      injected: 'SIGKILL within a second of the alerts',
      run: killAndStart,
    },
  ],
}
