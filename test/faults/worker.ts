import { parseArgs } from 'node:util'
import { createRandom } from '../../attacks/kit/random.ts'
import { groups } from './groups.ts'
import type { Need } from './scenario.ts'
import { mountSmallDisk } from './small-disk.ts'
import { openStage } from './stage.ts'

/** The highest that the configuration takes: whoever tests a fault of a store does not test the cap. */
const NO_CAP = { CONTAIN_CAP: '10000', CONTAIN_CAP_SOURCE: '10000' }
const SWEEP_SECONDS = 5
const LACKING: Readonly<{ [need in Need]: string }> = {
  'redis-server': 'there is no redis-server',
  linux: 'this is not Linux',
  mount: 'no file system can be mounted here',
}

/**
 * Runs the scenarios of one group in a lab of its own, and sends a message for each: `begun`, then `measured` or
 * `broken`. The caller's `stop`, or its end, ends everything that was started here.
 */
const { values } = parseArgs({
  options: {
    group: { type: 'string' },
    only: { type: 'string', multiple: true, default: [] },
    dir: { type: 'string' },
    root: { type: 'string' },
    host: { type: 'string' },
    seed: { type: 'string' },
    victims: { type: 'string' },
  },
})
const { group: name, only, dir = '', root = '', host: hostBundle = '' } = values
const group = groups.find((one) => one.name === name)
if (!group) throw new Error(`there is no group ${name}`)
const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => stopping.abort(new Error(`stopped by ${signal}`)))
}
const say = (message: object) => process.send?.(message)
const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

const hasSmallDisk = group.smallDisk === true && (await mountSmallDisk(dir))
const seed = Number(values.seed)
const stage = await openStage({
  ...{ dir, root, hostBundle },
  sweepEverySeconds: group.realPeriod ? undefined : SWEEP_SECONDS,
  settings: { ...NO_CAP, ...group.settings },
  random: createRandom(seed),
  log: (text) => say({ type: 'log', text }),
  signal: stopping.signal,
})
try {
  const given: Readonly<{ [need in Need]: boolean }> = {
    'redis-server': stage.redis.isReal,
    linux: process.platform === 'linux',
    mount: hasSmallDisk,
  }
  say({ type: 'lab', redis: stage.redis.detail })
  for (const scenario of group.scenarios) {
    if (stopping.signal.aborted || (only.length > 0 && !only.includes(scenario.name))) continue
    const lacking = scenario.needs?.find((need) => !given[need])
    if (lacking) {
      say({ type: 'skipped', name: scenario.name, why: LACKING[lacking] })
      continue
    }
    say({ type: 'begun', name: scenario.name })
    const began = performance.now()
    try {
      const row = await scenario.run(stage, Number(values.victims))
      say({ type: 'measured', name: scenario.name, row, ms: performance.now() - began })
    } catch (error) {
      say({ type: 'broken', name: scenario.name, why: messageOf(error), ms: performance.now() - began })
    }
  }
} finally {
  await stage.close()
}
say({ type: 'done' })
process.exit(0)
