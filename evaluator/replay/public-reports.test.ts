import { expect, test } from 'vitest'
import { readMonitorJson } from '../monitor/monitor-reading.ts'
import { replayStream } from './replay-stream.ts'

/** What others reported of monitors and logs, each as a small monitor over a small log. */
async function replay(monitorJson: object, lines: readonly (string | object)[]) {
  const json = { name: 'case', type: 'log alert', message: 'case', ...monitorJson }
  const { monitor, faults } = readMonitorJson(json, { slug: 'case', file: 'case.json' }, false)
  if (!monitor) return { faults: faults.map(({ place, reason }) => `${place}: ${reason}`), transitions: [], epochs: [] }
  const transitions: string[] = []
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n')
  const visitor = {
    transition: ({ transition, group, value }: { transition: string; group: Record<string, string>; value: number }) =>
      transitions.push(`${transition} ${Object.values(group).join(',')} ${value}`),
    malformed: (place: string, reason: string) => transitions.push(`${place} ${reason}`),
  }
  async function* stream() {
    yield Buffer.from(`${text}\n`)
  }
  const { epochs } = await replayStream(stream(), [monitor], { cadenceSeconds: 60 }, visitor)
  return { faults: [], transitions, epochs: [...epochs] }
}

const at = (seconds: number) => new Date(Date.parse('2026-03-01T10:00:00Z') + seconds * 1000).toISOString()
const critical = (value: number) => ({ thresholds: { critical: value } })

test('free text is looked for in the fields of errors, too', async () => {
  const { transitions } = await replay(
    {
      query: 'logs("service:web ECONNREFUSED").index("*").rollup("count").last("5m") > 1',
      options: critical(1),
    },
    [
      { timestamp: at(0), service: 'web', message: 'failed', error: { message: 'connect ECONNREFUSED 198.51.100.4' } },
      { timestamp: at(1), service: 'web', message: 'connect ECONNREFUSED' },
      { timestamp: at(600), service: 'x', message: 'tick' },
    ],
  )
  expect(transitions).toEqual(['Triggered  2', 'Recovered  0'])
})

test.each([
  ['seconds', (ms: number) => ms / 1000],
  ['milliseconds', (ms: number) => ms],
  ['microseconds', (ms: number) => ms * 1000],
  ['nanoseconds', (ms: number) => `${ms}000000`],
])('dates in %s are dates, and any but milliseconds are told', async (unit, spell) => {
  const line = (i: number) => {
    const date = spell(Date.parse(at(i * 600)) + 250)
    return `{"timestamp":${date},"service":"auth","event":"login_failed","ip":"203.0.113.9"}`
  }
  const query = 'logs("service:auth @event:login_failed").index("*").rollup("count").by("@ip").last("5m") > 10'
  const options = { ...critical(10), new_group_delay: 0 }
  const spread = await replay(
    { query, options },
    Array.from({ length: 12 }, (_, i) => line(i)),
  )
  expect(spread).toMatchObject({ transitions: [], epochs: unit === 'milliseconds' ? [] : [[unit, 'timestamp']] })
  const burst = await replay(
    { query, options },
    Array.from({ length: 12 }, () => line(0)),
  )
  expect(burst.transitions[0]).toBe('Triggered 203.0.113.9 12')
})

test('ids of 64 bits stay apart as groups and as values', async () => {
  const lines = Array.from(
    { length: 6 },
    (_, i) => `{"timestamp":"${at(i)}","service":"auth","uid":900719925474099${i + 2}}`,
  )
  const perUser = 'logs("service:auth").index("*").rollup("count").by("@uid").last("5m") > 0'
  const { transitions } = await replay({ query: perUser, options: { ...critical(0), new_group_delay: 0 } }, lines)
  expect(transitions.filter((text) => text.startsWith('Triggered')).map((text) => text.split(' ')[1])).toEqual(
    Array.from({ length: 6 }, (_, i) => `900719925474099${i + 2}`),
  )
  const users = 'logs("service:auth").index("*").rollup("cardinality","@uid").last("5m") > 3'
  expect((await replay({ query: users, options: critical(3) }, lines)).transitions[0]).toBe('Triggered  6')
  const one = 'logs("@uid:9007199254740993").index("*").rollup("count").last("5m") > 0'
  expect((await replay({ query: one, options: critical(0) }, lines)).transitions[0]).toBe('Triggered  1')
})

test('a count of a facet is evaluated as a count', async () => {
  const lines = Array.from({ length: 6 }, (_, i) => ({ timestamp: at(i), service: 'n', sender_id: `u${i % 2}` }))
  const query = 'logs("service:n").index("*").rollup("count", "@sender_id").last("1h") > 5'
  expect((await replay({ query, options: critical(5) }, lines)).transitions[0]).toBe('Triggered  6')
})

test('a warning without critical is what the API refuses', async () => {
  const query = 'logs("service:shop").index("*").rollup("count").last("5m") > 5'
  expect((await replay({ query, options: { thresholds: { warning: 1 } } }, [])).faults).toEqual([
    'options.thresholds.warning: needs critical as well: Alert status is required.',
  ])
})

test('a query over several lines is evaluated', async () => {
  const query = 'logs("service:auth")\n  .index("*")\n  .rollup("count").by("@network.client.ip")\n  .last("5m") > 5'
  const lines = Array.from({ length: 8 }, (_, i) => ({
    ...{ timestamp: at(i), service: 'auth', network: { client: { ip: '203.0.113.9' } } },
  }))
  const { transitions } = await replay({ query, options: { ...critical(5), new_group_delay: 0 } }, lines)
  expect(transitions[0]).toBe('Triggered 203.0.113.9 8')
})

test('an escaped quote inside a phrase is found in the spelling of the API', async () => {
  const query = String.raw`logs("@error_category:\"Number of \\"Alias already set\\" Errors\"").index("*").rollup("count").last("15m") > 0`
  const lines = [{ timestamp: at(0), error_category: 'Number of "Alias already set" Errors', service: 'x' }]
  expect((await replay({ query, options: critical(0) }, lines)).transitions[0]).toBe('Triggered  1')
})

test('new_host_delay holds back groups by host only, and only when new_group_delay does not', async () => {
  const lines = [0, 30, 90, 400].map((seconds) => ({ timestamp: at(seconds), host: 'web-1', ip: 'a', message: 'x' }))
  const triggered = async (by: string, options: object) => {
    const query = `logs("*").index("*").rollup("count").by("${by}").last("1h") > 0`
    const json = { query, options: { ...critical(0), ...options } }
    const transitions: number[] = []
    const { monitor } = readMonitorJson(
      { name: 'n', type: 'log alert', message: 'm', ...json },
      { slug: 's', file: 'f' },
      false,
    )
    async function* stream() {
      yield Buffer.from(`${lines.map((line) => JSON.stringify(line)).join('\n')}\n`)
    }
    const visitor = { transition: ({ at: when }: { at: number }) => transitions.push(when), malformed() {} }
    await replayStream(stream(), monitor ? [monitor] : [], { live: true }, visitor)
    return ((transitions[0] ?? Number.NaN) - Date.parse(at(0))) / 1000
  }
  expect(await triggered('host', { new_host_delay: 300 })).toBe(300)
  expect(await triggered('host,@ip', { new_host_delay: 300, new_group_delay: 0 })).toBe(300)
  expect(await triggered('host', { new_host_delay: 300, new_group_delay: 120 })).toBe(120)
  expect(await triggered('host', { new_host_delay: 0 })).toBe(0)
  expect(await triggered('host', {})).toBe(60)
  expect(await triggered('@ip', { new_host_delay: 300, new_group_delay: 0 })).toBe(0)
  expect(await triggered('@ip', { new_host_delay: 0 })).toBe(60)
})
