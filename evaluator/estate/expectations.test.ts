import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Transition } from '../evaluate/notices.ts'
import { readMonitorJson } from '../monitor/monitor-reading.ts'
import { compareTriggers, holds, readExpectations, Triggers } from './expectations.ts'

const reading = (slug: string, by: string, more: object = {}) =>
  readMonitorJson(
    {
      ...{ name: `${slug} monitor`, type: 'log alert', message: 'm' },
      query: `logs("*").rollup("count")${by && `.by("${by}")`}.last("5m") > 1`,
      ...more,
    },
    { slug, file: `${slug}.json` },
    false,
  )
const readings = [
  reading('by-ip', '@ip,env'),
  reading('all', ''),
  reading('simple', '@ip', { options: { notify_by: ['*'] } }),
  reading('cpu', '', { type: 'query alert' }),
  reading('twin-1', '', { name: 'twin' }),
  reading('twin-2', '', { name: 'twin' }),
]

async function expected(content: unknown) {
  const dir = await mkdtemp(join(tmpdir(), 'expect-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  const file = join(dir, 'expect.json')
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content))
  return readExpectations(file, readings)
}

test.each<[string, unknown, RegExp]>([
  ['a monitor that is not there', { other: [] }, /"other": there is no monitor of this slug or name/],
  ['a name that several have', { twin: [] }, /"twin": several monitors have this name, say which: twin-1, twin-2/],
  ['a monitor by slug and by name', { all: [{}], 'all monitor': [] }, /"all monitor": all is named twice/],
  ['a facet that is not grouped by', { 'by-ip': [{ '@ip': '1', '@sid': '2' }] }, /is grouped by @ip, env/],
  ['a facet that is left out', { 'by-ip': [{ '@ip': '1' }] }, /is grouped by @ip, env/],
  ['a group for one that is not grouped', { all: [{ '@ip': '1' }] }, /its only group is \{\}/],
  ['a group that notify_by takes together', { simple: [{ '@ip': '1' }] }, /its only group is \{\}/],
  [
    'a value that is not a string',
    { 'by-ip': [{ '@ip': null, env: 'a' }] },
    /is not a group: it must be an object of facets/,
  ],
  [
    'a group twice',
    {
      'by-ip': [
        { '@ip': '1', env: 'a' },
        { env: 'a', '@ip': 1 },
      ],
    },
    /is named twice/,
  ],
  ['something else than a list', { all: true }, /must be a list of groups/],
  ['a list of everything', [], /must be an object/],
  ['text that is not JSON', '{"all"', /expect\.json:1:\d+: is not JSON/],
  ['a repeated key', '{"all": [],\n"all": []}', /expect\.json:2:1: the key "all" occurs twice/],
])('%s is refused', async (_, content, reason) => {
  await expect(expected(content)).rejects.toThrow(reason)
})

test('all faults are reported together', async () => {
  await expect(expected({ a: [], all: [{ x: '1' }] })).rejects.toThrow(/"a": .*\n.*"all": /)
  await expect(readExpectations('/no/such/file', readings)).rejects.toThrow(/does not exist/)
})

const triggered = (slug: string, ...groups: Record<string, string>[]) =>
  groups.map((group) => {
    const { monitor } = readings.find((each) => each.slug === slug) ?? {}
    return { monitor, transition: 'Triggered', group } as unknown as Transition
  })

test('missing, unexpected and unevaluated monitors are reported apart', async () => {
  const triggers = new Triggers()
  const found = [
    ...triggered('by-ip', { '@ip': '1', env: 'a' }, { '@ip': '2', env: 'a' }, { '@ip': '1', env: 'a' }),
    ...triggered('twin-1', {}),
  ]
  for (const transition of found) triggers.add(transition)
  for (const transition of found)
    triggers.add({ ...transition, transition: 'Recovered', group: { '@ip': '9', env: '' } })
  const expectations = await expected({
    'by-ip monitor': [
      { env: 'a', '@ip': 1 },
      { '@ip': '3', env: 'a' },
    ],
    all: [{}],
    cpu: [],
  })
  const outcomes = compareTriggers(expectations, triggers, readings)
  expect(outcomes).toEqual([
    { monitor: 'by-ip', missing: [{ '@ip': '3', env: 'a' }], unexpected: [{ '@ip': '2', env: 'a' }] },
    { monitor: 'all', missing: [{}], unexpected: [] },
    { monitor: 'simple', missing: [], unexpected: [] },
    {
      monitor: 'cpu',
      missing: [],
      unexpected: [],
      refused: expect.stringMatching(/^type: "query alert" is not evaluated/),
    },
    { monitor: 'twin-1', missing: [], unexpected: [{}] },
    { monitor: 'twin-2', missing: [], unexpected: [] },
  ])
  expect(outcomes.filter(holds).map(({ monitor }) => monitor)).toEqual(['simple', 'twin-2'])
})
