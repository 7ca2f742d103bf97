import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseSchedule } from './schedule.ts'
import { readTimerStatus, resumeTimer, timerInfoJson, writeTimerStatus } from './timer-status.ts'

const at = (time: string) => new Date(`2026-11-22T${time}Z`)
const everyFiveMinutes = parseSchedule('0 */5 * * * *', {})
const stored = { last: at('10:00:00.012'), next: at('10:05:00'), lastUpdated: at('10:00:00.012') }

describe('a timer at a start of the host', () => {
  test('is not past due before its first run is stored', () => {
    const { status, isPastDue } = resumeTimer(undefined, everyFiveMinutes, at('10:01:00'))
    expect(isPastDue).toBe(false)
    expect(status).toEqual({ last: undefined, next: at('10:05:00'), lastUpdated: at('10:01:00') })
  })

  test('is past due a millisecond after its occurrence, and not at it', () => {
    expect(resumeTimer(stored, everyFiveMinutes, at('10:05:00')).isPastDue).toBe(false)
    expect(resumeTimer(stored, everyFiveMinutes, at('10:05:00.001'))).toEqual({ status: stored, isPastDue: true })
  })

  test('is past due by its first start when it never ran', () => {
    const waiting = { last: undefined, next: at('10:05:00'), lastUpdated: at('10:01:00') }
    expect(resumeTimer(waiting, everyFiveMinutes, at('11:00:00')).isPastDue).toBe(true)
  })

  test('is not past due when only its new schedule has an occurrence in the past', () => {
    const everyMinute = parseSchedule('0 * * * * *', {})
    const { status, isPastDue } = resumeTimer(stored, everyMinute, at('10:04:30'))
    expect(isPastDue).toBe(false)
    expect(status).toEqual({ last: undefined, next: at('10:05:00'), lastUpdated: at('10:04:30') })
  })

  test('takes over a new schedule whose next occurrence is still to come', () => {
    const hourly = parseSchedule('0 0 * * * *', {})
    expect(resumeTimer(stored, hourly, at('10:07:00')).status.next).toEqual(at('11:00:00'))
  })
})

describe('the status file', () => {
  test('returns what was written and leaves no other file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'timer-status-'))
    const file = join(folder, 'state', 'sweep.json')
    const fresh = { last: undefined, next: at('10:05:00'), lastUpdated: at('10:01:00') }
    await writeTimerStatus(file, fresh)
    expect(await readTimerStatus(file)).toEqual(fresh)
    await writeTimerStatus(file, stored)
    expect(await readTimerStatus(file)).toEqual(stored)
    expect(await readdir(join(folder, 'state'))).toEqual(['sweep.json'])
    await rm(folder, { recursive: true })
  })

  test('that is missing or broken counts as no status', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'timer-status-'))
    expect(await readTimerStatus(join(folder, 'none.json'))).toBeUndefined()
    await writeFile(join(folder, 'broken.json'), '{"Next":')
    expect(await readTimerStatus(join(folder, 'broken.json'))).toBeUndefined()
    await rm(folder, { recursive: true })
  })
})

test('a timer argument without a status has null in its place', () => {
  expect(JSON.parse(timerInfoJson(undefined, false))).toEqual({
    Schedule: { AdjustForDST: true },
    ScheduleStatus: null,
    IsPastDue: false,
  })
})
