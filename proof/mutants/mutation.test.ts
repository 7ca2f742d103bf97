import { expect, test } from 'vitest'
import { loadDetections } from '../../detections/harness.ts'
import { mutate, survived, type Verdict } from './mutation.ts'

const detections = await loadDetections('detections')
const stuffing = detections.find(({ monitor }) => monitor.slug === 'credential-stuffing')
if (!stuffing) throw new Error('there is no credential-stuffing')

async function verdictsOf(detection: typeof stuffing): Promise<Verdict[]> {
  const verdicts: Verdict[] = []
  for await (const verdict of mutate(detection as NonNullable<typeof detection>)) verdicts.push(verdict)
  return verdicts
}

test.each(detections)('every mutant of $monitor.slug is killed by a named case', async (detection) => {
  const verdicts = await verdictsOf(detection)
  expect(verdicts.length).toBeGreaterThan(40)
  expect(verdicts.filter(survived).map(({ mutant }) => mutant)).toEqual([])
  expect(verdicts.filter(({ equivalent }) => equivalent !== undefined).length).toBeLessThan(8)
})

test('a mutant of each kind is made', async () => {
  const names = (await verdictsOf(stuffing)).map(({ mutant }) => mutant)
  expect(names).toEqual(
    expect.arrayContaining([
      'search: @outcome:fail → outcome:fail',
      'search: @outcome:fail → @reason:fail',
      'search: @outcome:fail → -@outcome:fail',
      'search: without @outcome:fail',
      'search: -@reason:(blocked OR busy OR malformed) → @reason:(blocked OR busy OR malformed)',
      'search: @reason:(without @reason:busy)',
      'search: env:prod → env:other',
      'operator: > → >=',
      'threshold: 10 → 9',
      'threshold: 10 → 11',
      'window: 5m → 3m',
      'window: 5m → 10m',
      'by: @network → nothing',
      'by: @network → network',
      'by: @network → @ip',
      'by: @network → @network,@via',
      'rollup: cardinality @request_id → count',
      'on_missing_data: resolve → show_no_data',
      'new_group_delay: 0 → 60',
      'renotify_interval: 10 → 0',
    ]),
  )
  expect(new Set(names).size).toBe(names.length)
})

test('without the case that asks for it, a slip survives', async () => {
  const verdicts = await verdictsOf({ ...stuffing, cases: [] })
  expect(verdicts.filter(survived).map(({ mutant }) => mutant)).toContain('search: @reason:(without @reason:busy)')
})

test('a mutant that is called equivalent and is killed is reported', async () => {
  const equivalent = { 'threshold: 10 → 9': 'nobody counts to ten' }
  await expect(verdictsOf({ ...stuffing, proof: { ...stuffing.proof, equivalent } })).rejects.toThrow(
    'threshold: 10 → 9',
  )
})
