import { raiseAlarm } from '../alarm.ts'
import type { Person } from '../cast.ts'
import { gather, measure, subjectOf, untilKnown, untilOut } from '../drill.ts'
import type { Group, Row, Scenario } from '../scenario.ts'
import { SPACING, type Stage, wait } from '../stage.ts'

const USERS = 8
/** Longer than the pauses between the sender's tries, and than two sweeps. */
const LATER_MS = 14_000

/**
 * Users are contained while something keeps the row from being finished; as soon as each is out, its owner opens a new
 * session. Those have to live through every retry.
 * @param hurt begins a fault; what it gives ends it
 */
const reopened = (
  name: string,
  fault: string,
  injected: string,
  hurt: (stage: Stage) => Promise<() => Promise<void> | void>,
): Scenario => ({
  name,
  fault,
  injected,
  async run(stage): Promise<Row> {
    const crowd = await gather(stage, USERS)
    stage.sender.retrySpacingMs = SPACING[6] ?? []
    const end = await hurt(stage)
    const reopening: Promise<Person[]> = (async () => {
      const opened: Person[] = []
      const left = new Set(crowd.victims)
      const until = Date.now() + 60_000
      while (left.size > 0 && Date.now() < until) {
        for (const victim of (await untilOut(stage, [...left], 0)).keys()) {
          left.delete(victim)
          opened.push(await stage.cast.another(victim))
        }
        await wait(100, stage.signal)
      }
      return opened
    })()
    await raiseAlarm(stage, crowd.victims, 'otp-replay')
    await wait(5000, stage.signal)
    await end()
    const endedAt = Date.now()
    const opened = await reopening
    await wait(LATER_MS, stage.signal)
    const row = await measure(stage, crowd, endedAt, { subjectOf: subjectOf('otp-replay') })
    const looks = await untilKnown(stage, opened)
    const dead = [...looks.values()].filter((look) => look !== 'in').length
    return {
      ...row,
      wronglyDead: row.wronglyDead + dead,
      remark: `each owner opened another session once the first was out: ${opened.length - dead} of ${opened.length} live`,
    }
  },
})

export const users: Group = {
  name: 'users',
  scenarios: [
    reopened('user-no-updates', '`revoke_user`, the ledger takes no updates for 5 s', 'proxy', async (stage) => {
      stage.proxies.tables.set(({ method, path }) =>
        ['PUT', 'PATCH', 'MERGE'].includes(method) && /\/containments\(/.test(path)
          ? { status: 503, headers: { 'content-type': 'application/json' }, body: '{}' }
          : 'none',
      )
      return stage.proxies.tables.heal
    }),
    reopened(
      'user-killed',
      '`revoke_user`, functions killed after acting',
      'SIGKILL six times within 5 s',
      async (stage) => {
        const stop = new AbortController()
        const killing = (async () => {
          for (let times = 0; times < 6 && !stop.signal.aborted; times++) {
            await wait(150 + stage.random.int(500), stage.signal)
            await stage.crash('functions')
          }
        })()
        return async () => {
          stop.abort()
          await killing
        }
      },
    ),
    reopened('user-answers-cut', '`revoke_user`, Tables act and cut the answer', 'proxy', async (stage) => {
      stage.proxies.tables.set(({ path }) =>
        /\/containments/.test(path) && stage.random.int(2) === 0 ? 'act-then-cut' : 'none',
      )
      return stage.proxies.tables.heal
    }),
  ],
}
