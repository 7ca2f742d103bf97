import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { inParallel } from '../../../attacks/kit/parallel.ts'
import { raiseAlarm } from '../alarm.ts'
import { countKeptOut, drill, gather, measure } from '../drill.ts'
import type { Group } from '../scenario.ts'
import { SPACING, type Stage, wait } from '../stage.ts'
import { nowAndThen } from './redis.ts'

const run = promisify(execFile)
const FILES = 256
const REQUESTS = 400
const COLLEAGUES = 15
const FLOOD = 300

const limitFiles = (pid: number, files: number) => run('prlimit', ['--pid', String(pid), `--nofile=${files}:`])

/** Every store stands still for three seconds, now and then. */
const allHang = nowAndThen(async (stage) => {
  const { redis, postgres, tables } = stage.proxies
  await Promise.all([redis.hang(), postgres.hang()])
  tables.set(() => 'hang')
  return async () => {
    await Promise.all([redis.pass(), postgres.pass()])
    tables.heal()
  }
})

/** Too much at once, or everything at the same time. */
export const load: Group = {
  name: 'load',
  settings: { HASH_QUEUE: '32' },
  scenarios: [
    {
      name: 'stores-hang',
      fault: 'all stores hang for 3 s now and then',
      injected: 'proxies',
      run: (stage) => drill(stage, { count: 60, tries: 1, fault: allHang, lastsMs: 16_000 }),
    },
    {
      name: 'few-files',
      fault: `${FILES} file descriptors for functions, ${REQUESTS} requests at once`,
      injected: 'prlimit',
      needs: ['linux'],
      async run(stage, usual) {
        const crowd = await gather(stage, usual)
        stage.sender.retrySpacingMs = SPACING[1] ?? []
        const pid = stage.lab.functions.pid ?? 0
        await limitFiles(pid, FILES)
        const flood = inParallel(Array.from({ length: REQUESTS }), REQUESTS, () => lookAtHealth(stage))
        await raiseAlarm(stage, crowd.victims)
        await flood
        await limitFiles(pid, 4096)
        return measure(stage, crowd, Date.now())
      },
    },
    {
      name: 'overload',
      fault: 'more sign-ins with right passwords than the host can check',
      injected: `${FLOOD} sign-ins at once, of other people`,
      async run(stage) {
        const { victims: colleagues } = await gather(stage, COLLEAGUES)
        const { victims: others } = await gather(stage, FLOOD / 10)
        // Behind one address, as an office is.
        const office = colleagues.map((person) => ({ ...person, address: '203.0.113.200' }))
        const attempts = Array.from({ length: FLOOD / others.length }, () => others).flat()
        const flood = inParallel(attempts, FLOOD, (person) => stage.cast.signIn(person).catch(() => 0))
        const first = await inParallel(office, COLLEAGUES, (person) => stage.cast.signIn(person).catch(() => 0))
        await flood
        const endedAt = Date.now()
        await wait(3000, stage.signal)
        const row = await measure(stage, { victims: [], bystanders: colleagues }, endedAt)
        const dead = await countKeptOut(stage, office)
        const busy = first.filter((status) => status !== 200).length
        return {
          ...{ ...row, victims: COLLEAGUES, wronglyDead: row.wronglyDead + dead },
          remark: `${busy} colleagues had to try again meanwhile, ${dead} are refused afterwards`,
        }
      },
    },
  ],
}

async function lookAtHealth(stage: Stage): Promise<void> {
  const answer = await fetch(`${stage.lab.urls.functions}/api/auth/jwks`, {
    signal: AbortSignal.timeout(10_000),
  }).catch(() => undefined)
  await answer?.body?.cancel().catch(() => {})
}
