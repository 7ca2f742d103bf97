import { raiseAlarm } from '../alarm.ts'
import { gather, measure, untilKnown } from '../drill.ts'
import type { Group, Scenario } from '../scenario.ts'
import { SPACING, type Stage, wait } from '../stage.ts'

const MINUTE_MS = 60_000

async function setClock(stage: Stage, host: 'web' | 'functions', ms: number): Promise<void> {
  stage.clock[host] = ms
  await stage.lab[host].stop()
  await stage.lab[host].start()
}

/** @param rights whether the clock is right again before everybody is asked */
const off = (host: 'web' | 'functions', minutes: number, rights: boolean): Scenario => ({
  name: `clock-${host}${minutes > 0 ? '+' : ''}${minutes}`,
  fault: `the clock of ${host} ${Math.abs(minutes)} minutes ${minutes > 0 ? 'ahead' : 'behind'}`,
  injected: '`Date` shifted in the process',
  async run(stage) {
    const crowd = await gather(stage, 8)
    stage.sender.retrySpacingMs = SPACING[1] ?? []
    try {
      await setClock(stage, host, minutes * MINUTE_MS)
      await raiseAlarm(stage, crowd.victims)
      if (!rights) return await measure(stage, crowd, Date.now())
      await wait(4000, stage.signal)
      const looks = await untilKnown(stage, crowd.bystanders)
      const dead = [...looks.values()].filter((look) => look !== 'in').length
      await setClock(stage, host, 0)
      const row = await measure(stage, crowd, Date.now())
      return {
        ...row,
        wronglyDead: Math.max(row.wronglyDead, dead),
        remark: 'held for their age until the clock is right',
      }
    } finally {
      await setClock(stage, host, 0)
    }
  },
})

export const clock: Group = {
  name: 'clock',
  scenarios: [
    off('functions', 6, false),
    off('functions', -6, false),
    off('web', 6, false),
    off('web', -6, false),
    off('functions', 20, true),
    off('functions', -20, true),
  ],
}
