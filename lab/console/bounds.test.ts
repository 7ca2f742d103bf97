import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { GroupValues, MAX_GROUPS } from './group-values.ts'
import { Hub } from './hub.ts'
import { MAX_POINTS, Series } from './series.ts'
import { SessionViews } from './session-views.ts'

const BEGIN = Date.UTC(2026, 0, 5)

describe('a series', () => {
  test('keeps a bounded number of points, the newest, the oldest, and each change of state', () => {
    const series = new Series<'OK' | 'Alert'>('OK')
    for (let i = 0; i < 10_000; i++) series.add(BEGIN + i * 1000, i, i >= 5000 && i < 5010 ? 'Alert' : 'OK')
    const points = series.points()
    expect(points.length).toBeLessThanOrEqual(MAX_POINTS)
    expect(points.at(0)).toEqual([BEGIN, 0])
    expect(points.at(-1)).toEqual([BEGIN + 9_999_000, 9_999])
    expect(points.map(([, value]) => value)).toEqual(expect.arrayContaining([5000, 5010]))
    const times = points.map(([at]) => at)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
  })

  test('stays bounded when every point changes the state', () => {
    const series = new Series<'OK' | 'Alert'>('OK')
    for (let i = 0; i < 1000; i++) series.add(BEGIN + i * 1000, i, i % 2 === 0 ? 'Alert' : 'OK')
    expect(series.points().length).toBeLessThanOrEqual(MAX_POINTS)
    expect(series.points().at(-1)).toEqual([BEGIN + 999_000, 999])
  })

  test('draws what changes within a quarter of a second once, with its last value', () => {
    const series = new Series<'OK'>('OK')
    for (let i = 0; i < 250; i++) series.add(BEGIN + i, i, 'OK')
    series.add(BEGIN + 250, Number.NaN, 'OK')
    expect(series.points()).toEqual([
      [BEGIN + 249, 249],
      [BEGIN + 250, null],
    ])
  })
})

describe('the groups of a monitor', () => {
  test.each(['OK', 'Alert'] as const)('are bounded while %s, and the others are counted', (state) => {
    const values = new GroupValues()
    for (let i = 0; i < 5 * MAX_GROUPS; i++) values.see(`group ${i}`, BEGIN + i, 1, state)
    expect(values.kept.size).toBeLessThanOrEqual(MAX_GROUPS)
    expect(values.kept.size + values.others).toBe(5 * MAX_GROUPS)
  })

  test('with the highest values are kept, and those without a value give way', () => {
    const values = new GroupValues()
    for (let i = 0; i < MAX_GROUPS; i++) values.see(`gone ${i}`, BEGIN, 1, 'OK')
    for (let i = 0; i < MAX_GROUPS; i++) values.see(`gone ${i}`, BEGIN, Number.NaN, 'OK')
    for (let i = 0; i < 3 * MAX_GROUPS; i++) values.see(`group ${i}`, BEGIN, i % 100, 'OK')
    values.see('high', BEGIN, 1000, 'OK')
    values.see('in alert', BEGIN, 0, 'Alert')
    expect([...values.kept.keys()]).toEqual(expect.arrayContaining(['high', 'in alert']))
    expect([...values.kept.keys()].some((key) => key.startsWith('gone'))).toBe(false)
  })
})

describe('the stream', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('collects nothing while nobody reads', () => {
    const hub = new Hub()
    const source = vi.fn(() => [{}])
    hub.provide('values', source)
    hub.mark('values')
    const end = hub.read(new Set(['logs']), () => {})
    hub.mark('values')
    vi.advanceTimersByTime(10_000)
    end()
    expect(source).not.toHaveBeenCalled()
  })

  test('sends at most four times a second, and one text for all readers', () => {
    const hub = new Hub()
    const source = vi.fn(() => [{ n: 1 }])
    hub.provide('values', source)
    const read: string[][] = [[], []]
    for (const each of read) hub.read(new Set(['values']), (text) => each.push(text))
    for (let ms = 0; ms < 2000; ms++) {
      hub.mark('values')
      vi.advanceTimersByTime(1)
    }
    expect(source).toHaveBeenCalledTimes(8)
    expect(read[0]).toEqual(read[1])
    expect(read[0]?.[0]).toBe('event: values\ndata: {"n":1}\n\n')
    hub.close()
  })

  test('sends sessions fifty at a time until all are sent', () => {
    const hub = new Hub()
    const sessions = new SessionViews(hub)
    const sent: string[] = []
    hub.read(new Set(['session']), (text) => sent.push(text))
    for (let i = 0; i < 120; i++)
      sessions.see({ id: '', timestamp: BEGIN, attributes: { evt: 'session', outcome: 'new', sid: `s${i}` } })
    const counts = [250, 250, 250, 250].map((ms) => {
      vi.advanceTimersByTime(ms)
      return sent.length
    })
    expect(counts).toEqual([50, 100, 120, 120])
  })
})
