import { describe, expect, test } from 'vitest'
import { isSubMinute, parseSchedule } from './schedule.ts'

const sunday = new Date('2026-11-22T10:00:00Z')
const nextOf = (expression: string, env = {}) => parseSchedule(expression, env).next(sunday).toISOString()

describe('an NCRONTAB schedule', () => {
  test.each([
    ['0 */5 * * * *', '2026-11-22T10:05:00.000Z'],
    ['30 * * * * *', '2026-11-22T10:00:30.000Z'],
    ['*/5 * * * *', '2026-11-22T10:05:00.000Z'],
    ['0 0 12 * * Mon-Fri', '2026-11-23T12:00:00.000Z'],
    ['0 0 12 * Jan *', '2027-01-01T12:00:00.000Z'],
    ['0 5/20 * * * *', '2026-11-22T10:05:00.000Z'],
    ['0 0 0 * * 0', '2026-11-29T00:00:00.000Z'],
  ])('%s is next due at %s', (expression, at) => expect(nextOf(expression)).toBe(at))

  test('is never due at the very instant it was last due', () => {
    expect(nextOf('0 0 10 * * *')).toBe('2026-11-23T10:00:00.000Z')
  })

  test('wants day of month and day of week both, unlike Unix cron', () => {
    expect(nextOf('0 0 0 1 * 1')).toBe('2027-02-01T00:00:00.000Z') // the next first that is a Monday
  })

  test('takes %NAME% from the settings', () => {
    expect(nextOf('%SWEEP_SCHEDULE%', { SWEEP_SCHEDULE: '0 0 11 * * *' })).toBe('2026-11-22T11:00:00.000Z')
    expect(() => parseSchedule('%SWEEP_SCHEDULE%', {})).toThrow(/SWEEP_SCHEDULE/)
  })

  test.each([
    ['* * * *', /must have six or five fields/],
    ['* * * * * * *', /must have six or five fields/],
    ['61 * * * * *', /not usable/],
    ['0 0 0 L * *', /not an NCRONTAB/],
    ['0 0 0 * * 1#2', /not an NCRONTAB/],
    ['0 0 0 ? * *', /not an NCRONTAB/],
    ['0 0 0 * * 7', /day of week/],
    ['00:05:00', /TimeSpan/],
    ['@daily', /must have six or five fields/],
    ['0 0 0 30 2 *', /never occurs/],
  ])('%s is refused', (expression, reason) => expect(() => parseSchedule(expression, {})).toThrow(reason))

  test('finer than a minute is known as such, a minute is not', () => {
    expect(isSubMinute(parseSchedule('*/30 * * * * *', {}), sunday)).toBe(true)
    expect(isSubMinute(parseSchedule('0 * * * * *', {}), sunday)).toBe(false)
  })
})
