import { inParallel } from '../../../attacks/kit/parallel.ts'
import { raiseAlarm } from '../alarm.ts'
import type { Person } from '../cast.ts'
import { gather, measure } from '../drill.ts'
import type { Group, Scenario } from '../scenario.ts'
import { SPACING, type Stage, wait } from '../stage.ts'

const KILLS = 100
/** Each kill falls within one of these after the host is ready: while it begins, or after it has worked for a while. */
const WITHIN_MS = [250, 800] as const

/**
 * Kills functions again and again while alerts come. Each of them is raised at a moment of its own, before the host is
 * ready or after, so that some find it away and some are under way when it dies.
 */
const killed = (tries: 1 | 2 | 6): Scenario => ({
  name: `functions-killed-${tries === 1 ? 'once' : tries}`,
  fault: `functions killed ${KILLS} times during as many alerts, the sender tries ${tries === 1 ? 'once' : `${tries} times`}`,
  injected: 'SIGKILL at random instants, restarted at once',
  async run(stage) {
    const crowd = await gather(stage, KILLS)
    stage.sender.retrySpacingMs = SPACING[tries] ?? []
    for (const victim of crowd.victims) {
      const within = stage.random.pick(WITHIN_MS)
      const raising = raiseLater(stage, victim, stage.random.int(within))
      await wait(stage.random.int(within), stage.signal)
      await stage.crash('functions')
      await raising
    }
    return measure(stage, crowd, Date.now())
  },
})

/** Raises the alarm about one person after a while. */
export async function raiseLater(stage: Stage, victim: Person, ms: number): Promise<void> {
  await wait(ms, stage.signal)
  await raiseAlarm(stage, [victim])
}

const killing = (tries: 1 | 2 | 6): Group => ({
  name: `kills-${tries}`,
  scenarios: [killed(tries)],
})

/** Three labs, so that three hundred kills fit: each with another sender. */
export const kills = { once: killing(1), twice: killing(2), sixTimes: killing(6) } as const

const TERMS = 3

const terminated = (host: 'web' | 'functions'): Scenario => ({
  name: `${host}-terminated`,
  fault: `${host} asked to end under load, three times`,
  injected: 'SIGTERM, started again',
  async run(stage) {
    const crowd = await gather(stage, 60)
    stage.sender.retrySpacingMs = SPACING[1] ?? []
    const raised = inParallel(crowd.victims, 5, async (victim) => {
      await wait(stage.random.int(400), stage.signal)
      await raiseAlarm(stage, [victim])
    })
    for (let times = 0; times < TERMS; times++) {
      await wait(stage.random.int(600), stage.signal)
      await stage.lab[host].stop()
      await stage.lab[host].start()
    }
    await raised
    return measure(stage, crowd, Date.now())
  },
})

/** Both hosts' ends, and the sweeper's. */
export const ends: Group = {
  name: 'ends',
  realPeriod: true,
  scenarios: [
    terminated('functions'),
    terminated('web'),
    {
      name: 'sweeper-killed',
      fault: 'the sweeper killed while it works, with containments waiting',
      injected: 'SIGKILL within 300 ms of its start, three times',
      async run(stage, usual) {
        const crowd = await gather(stage, usual)
        stage.sender.retrySpacingMs = SPACING[1] ?? []
        // Nobody is there to take the webhook: all that is left is the sweeper.
        await stage.lab.functions.kill()
        await raiseAlarm(stage, crowd.victims)
        await wait(1000, stage.signal)
        await stage.lab.functions.start()
        for (let times = 0; times < 3; times++) {
          await stage.sweep()
          await wait(stage.random.int(300), stage.signal)
          await stage.crash('functions')
        }
        return { ...(await measure(stage, crowd, Date.now())), remark: 'real period' }
      },
    },
  ],
}
