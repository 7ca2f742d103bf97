import { type IndexedLog, loadMonitors } from 'alertproof'
import { expect, test } from 'vitest'
import type { Group } from '../../attacks/kit/attack.ts'
import { drawingsOf } from './drawing.ts'
import { DETECTIONS } from './lab.ts'

const BEGIN = Date.parse('2026-01-05T10:00:00.000Z')
const SID = 'aaaaaaaaaaaaaaaaaaaaaa'
const log = (seconds: number, attributes: object): IndexedLog => ({
  ...{ id: String(seconds), timestamp: BEGIN + seconds * 1000, service: 'mini-ato-saas', message: '' },
  ...{ tags: ['env:prod'], attributes: { ...attributes } },
})
const used = (seconds: number, device_hash: string) =>
  log(seconds, { evt: 'session', outcome: 'seen', sid: SID, device_hash })

/** What the stand-in would find for any search. */
async function drawn(found: readonly IndexedLog[], monitor: string, group: Group, cadenceSeconds?: number) {
  const scenario = { alert: { fired: true, monitor, group, detect_ms: 1 } }
  const lab = { cadenceSeconds, logs: { search: async () => [...found] }, monitors: await loadMonitors(DETECTIONS) }
  return (await drawingsOf([{ scenario }], lab)).get(scenario)
}

test('an alert is drawn from the logs of its group, up to the alert and not into the future', async () => {
  const found = [used(3, 'thief'), used(0, 'laptop')]
  const live = await drawn(found, 'session-reuse', { '@sid': SID })
  expect(live?.verdict).toMatchObject({ fired: true, at: '2026-01-05T10:00:03.000Z', value: 2 })
  expect(live?.group?.changes.map(({ transition }) => transition)).toEqual(['Triggered'])
  expect(live?.group).toMatchObject({ from: '2026-01-05T09:59:59.400Z', to: '2026-01-05T10:00:03.600Z' })
  const eachMinute = await drawn(found, 'session-reuse', { '@sid': SID }, 60)
  expect(eachMinute?.verdict).toMatchObject({ fired: true, at: '2026-01-05T10:01:00.000Z' })
})

test('a silence that alerted is drawn as one', async () => {
  const sweeps = [0, 60, 120].map((seconds) => log(seconds, { evt: 'sweep', outcome: 'success' }))
  const drawing = await drawn(sweeps, 'telemetry-silence', {})
  expect(drawing?.verdict).toMatchObject({ fired: true, at: '2026-01-05T10:05:00.000Z', value: null })
})

test('an alert whose logs are gone is not drawn', async () => {
  expect(await drawn([used(0, 'laptop')], 'session-reuse', { '@sid': SID })).toBeUndefined()
  expect(await drawn([], 'session-reuse', { '@sid': SID })).toBeUndefined()
})
