import { join } from 'node:path'
import type { Monitor } from 'alertproof'
import { beforeAll, describe, expect, test } from 'vitest'
import { loadDetections } from '../../detections/harness.ts'
import { delayed, type PlantedLog, plantedLog } from './planted-log.ts'
import { replayed } from './replayed.ts'

const MINUTE = 60_000

describe('in 50,000 events with planted attacks and near misses', () => {
  let monitors: Monitor[]
  let log: PlantedLog
  beforeAll(async () => {
    const detections = await loadDetections(join(import.meta.dirname, '../../detections'))
    monitors = detections.map(({ monitor }) => monitor)
    log = plantedLog(detections, 50_000)
  })

  test('something is planted for every detection', () => {
    const planted = new Set(log.expected.map(({ monitor }) => monitor))
    expect([...planted].sort()).toEqual(monitors.map(({ slug }) => slug))
    expect(log.events.length).toBeGreaterThanOrEqual(50_000)
  })

  test('every planted attack alerts at its instant, and nothing else alerts', async () => {
    expect(await replayed(monitors, [log.events])).toEqual(log.expected)
  })

  test.each([3, 4, 5])('in whatever order they come within the lateness: seed %i', async (seed) => {
    const events = delayed(log.events, MINUTE, seed)
    expect(events).not.toEqual(log.events)
    expect(await replayed(monitors, [events])).toEqual(log.expected)
  })

  test.each([0.1, 0.5, 0.93])('cut in two at %f and resumed from a file', async (share) => {
    const events = delayed(log.events, MINUTE)
    const cut = Math.floor(events.length * share)
    expect(await replayed(monitors, [events.slice(0, cut), events.slice(cut)])).toEqual(log.expected)
  })

  test.each([2, 3])('read with %i threads, out of order, cut and resumed', async (threads) => {
    const events = delayed(log.events, MINUTE)
    const cut = Math.floor(events.length / 3)
    expect(await replayed(monitors, [events.slice(0, cut), events.slice(cut)], threads)).toEqual(log.expected)
  })
})
