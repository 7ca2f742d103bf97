import { expect, test } from 'vitest'
import { readMonitor } from '../api.ts'
import type { IndexedLog } from '../log.ts'
import { Replayer } from './replay.ts'

const BEGIN = Date.UTC(2026, 0, 5, 9)

/** More users, and more sessions of some users, than Datadog evaluates. */
function logsOf(count: number): IndexedLog[] {
  let state = 9
  const below = (limit: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
  return Array.from({ length: count }, (_, i) => ({
    id: '',
    timestamp: BEGIN + i * 900,
    attributes: {
      user: `user-${below(3) ? below(60) : below(6)}`,
      sid: `sid-${below(40)}`,
      device: `device-${below(3)}`,
      ms: below(9),
    },
  }))
}

// A resumed part knows no earlier choice, so that it chooses all groups anew.
test.each(['"count"', '"cardinality", "@device"', '"avg", "@ms"'])(
  'the groups beyond the limits are the same, whether they are chosen anew or only where the choice may change: %s',
  (rollup) => {
    const query = `logs("*").rollup(${rollup}).by("@user,@sid").last("5m") > 1`
    const options = { new_group_delay: 0, on_missing_data: 'resolve' }
    const monitors = [readMonitor({ name: 'many', type: 'log alert', query, message: 'm', options })]
    const logs = logsOf(1500)
    const found = (partLength: number) => {
      const changes: unknown[] = []
      let saved: string | undefined
      for (let from = 0; from < logs.length; from += partLength) {
        const replayer = new Replayer(monitors, { live: true, groupLimits: true }, ({ monitor: _, ...change }) =>
          changes.push(change),
        )
        if (saved !== undefined) replayer.restore(JSON.parse(saved))
        for (const log of logs.slice(from, from + partLength)) replayer.push(log, log.timestamp)
        if (from + partLength >= logs.length) replayer.finish()
        else saved = JSON.stringify(replayer.save())
      }
      return changes
    }
    const whole = found(logs.length)
    expect(whole.length).toBeGreaterThan(100)
    expect(found(7)).toEqual(whole)
  },
)
