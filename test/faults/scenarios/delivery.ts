import { createDrain } from '../../../lab/logplex/drain.ts'
import { SERVICE } from '../../../lab/start/environment.ts'
import { aboutSession, deliver, deliverAll, raiseAlarm } from '../alarm.ts'
import { countKeptOut, gather, measure } from '../drill.ts'
import type { Group, Row, Scenario } from '../scenario.ts'
import { SPACING, type Stage, wait } from '../stage.ts'

const HOUR_MS = 3_600_000

const repeated = (name: string, fault: string, copies: number, ownIds: boolean, to?: 'two hosts'): Scenario => ({
  name,
  fault,
  injected: 'HTTP, at once',
  async run(stage, usual) {
    const count = Math.min(usual, Math.max(3, Math.floor(300 / copies)))
    const crowd = await gather(stage, count)
    const other = to && (await stage.second())
    const deliveries = crowd.victims.flatMap((victim) => {
      const one = { ...aboutSession(victim, `twice-${victim.sid}`), id: `d-${victim.sid}` }
      return Array.from({ length: copies }, (_, copy) => ({
        ...one,
        ...(ownIds && { id: `d-${copy}-${victim.sid}` }),
        ...(other && copy % 2 === 1 && { to: other.origin }),
      }))
    })
    const sweeping = other && sweepBoth(stage, other.sweep)
    await deliverAll(stage, deliveries, 2 * copies)
    sweeping?.()
    try {
      return await measure(stage, crowd, Date.now())
    } finally {
      await other?.close()
    }
  },
})

/** Both hosts are asked for a sweep again and again. @returns what ends it */
function sweepBoth(stage: Stage, other: () => Promise<void>): () => void {
  const timer = setInterval(() => {
    for (const sweep of [stage.sweep, other]) sweep().catch(() => {})
  }, 200)
  return () => clearInterval(timer)
}

/** Every order of these transitions of one cycle. */
const ORDERS = [
  ['Triggered', 'Recovered'],
  ['Recovered', 'Triggered'],
  ['Re-Triggered', 'Triggered', 'Recovered'],
  ['Triggered', 'Recovered', 'Re-Triggered'],
  ['Recovered', 'Triggered', 'Re-Triggered'],
  ['Re-Triggered', 'Recovered', 'Triggered'],
] as const

const dated = async (stage: Stage, offsetMs: number, status: number): Promise<Row> => {
  const crowd = await gather(stage, 4)
  const deliveries = crowd.victims.map((victim) => ({
    ...aboutSession(victim, `dated-${victim.sid}`),
    date: Date.now() + offsetMs,
  }))
  const statuses = await deliverAll(stage, deliveries)
  const wrong = statuses.filter((one) => one !== status).length
  const row = await measure(stage, crowd, Date.now(), { held: new Set(crowd.victims) })
  return {
    ...row,
    lost: row.lost + wrong,
    remark: `answered ${status}, held for an operator: an old date may be a replay`,
  }
}

/**
 * Owners of contained sessions look three times each, which is as often as one may, and each line about it arrives twice.
 * Lines of web alone go by frames.
 */
async function framesTwice(stage: Stage): Promise<Row> {
  const { victims, bystanders } = await gather(stage, 8)
  const owners = victims.filter(({ home }) => home === 'web')
  const { intakeUrl } = stage.lab.datadog
  const query = { 'dd-api-key': stage.lab.secrets.DD_API_KEY, ddsource: 'heroku', service: SERVICE, host: 'web' }
  const drain = createDrain({ url: `${intakeUrl}?${new URLSearchParams(query)}` })
  stage.twice(drain.app)
  try {
    await raiseAlarm(stage, owners)
    // The first answer that refuses them, and the one at the end, are two of the three.
    const row = await measure(stage, { victims: owners, bystanders }, Date.now())
    await stage.cast.askAll(owners)
    await stage.lab.flush()
    await drain.flush()
    await wait(1500, stage.signal)
    const keptOut = await countKeptOut(stage, owners)
    const blocked = owners.filter(({ network }) => stage.record.about(network).length > 0).length
    const wronglyDead = row.wronglyDead + Math.max(blocked, keptOut)
    return { ...row, wronglyDead, remark: 'the owners sign in again from the same address' }
  } finally {
    stage.twice(undefined)
    await drain.close()
  }
}

export const delivery: Group = {
  name: 'delivery',
  scenarios: [
    repeated('delivered-twice', 'one delivery twice at once', 2, false),
    repeated('delivered-ten-times', 'one delivery ten times at once', 10, false),
    repeated('delivered-100-ids', 'one alert in 100 deliveries with ids of their own', 100, true),
    repeated('two-hosts', 'two Functions hosts, each delivery to both, both sweep all the time', 2, false, 'two hosts'),
    {
      name: 'transitions',
      fault: 'Triggered, Re-Triggered and Recovered in every order',
      injected: 'HTTP, one after the other',
      async run(stage) {
        const crowd = await gather(stage, 2 * ORDERS.length)
        await Promise.all(
          crowd.victims.map(async (victim, index) => {
            for (const transition of ORDERS[index % ORDERS.length] ?? []) {
              await deliver(stage, { ...aboutSession(victim, `order-${victim.sid}`), transition })
            }
          }),
        )
        return measure(stage, crowd, Date.now())
      },
    },
    { name: 'alert-old', fault: 'an alert an hour old', injected: 'HTTP', run: (stage) => dated(stage, -HOUR_MS, 422) },
    {
      name: 'alert-ahead',
      fault: 'an alert an hour ahead',
      injected: 'HTTP',
      run: (stage) => dated(stage, HOUR_MS, 422),
    },
    {
      name: 'alerts-at-once',
      fault: '200 alerts at once',
      injected: 'log lines',
      async run(stage) {
        const crowd = await gather(stage, 200)
        stage.sender.retrySpacingMs = SPACING[1] ?? []
        await raiseAlarm(stage, crowd.victims)
        return measure(stage, crowd, Date.now())
      },
    },
    {
      name: 'frames-twice',
      fault: 'each Logplex frame delivered twice',
      injected: 'a second drain of web’s lines',
      run: framesTwice,
    },
    {
      name: 'frames-mixed',
      fault: 'Logplex frames cut, out of order, and a loss (L10) reported',
      injected: 'frames of our own at the intake',
      async run(stage) {
        const crowd = await gather(stage, 6)
        const url = `${stage.lab.datadog.intakeUrl}?dd-api-key=${stage.lab.secrets.DD_API_KEY}`
        const headers = { 'content-type': 'application/logplex-1' }
        const frame = (text: string) => `${Buffer.byteLength(text)} ${text}`
        const syslog = (message: string) => `<190>1 ${new Date().toISOString()} host app web.1 - ${message}`
        const bad = [
          `999 ${syslog('{"evt":"session"')}`,
          frame(syslog('{"evt":"login","outcome":"fa')) +
            frame(syslog('Error L10 (output buffer overflow): 7 messages dropped since 2026-01-01T00:00:00+00:00.')),
          'no frame at all',
        ]
        const raised = raiseAlarm(stage, crowd.victims.toReversed())
        for (const body of bad) await (await fetch(url, { method: 'POST', headers, body })).body?.cancel()
        await raised
        return measure(stage, crowd, Date.now())
      },
    },
  ],
}
