import { describe, expect, test } from 'vitest'
import { type Report, sessionsOf, withoutUpdates, wordsOf } from './reports.ts'

const report = (change: Partial<Report> = {}): Report => ({
  type: 'view',
  date: 1_000,
  session: { id: 's1' },
  view: { id: 'v1', url: 'http://localhost:8000/login' },
  ...change,
})
const signIn = (date: number, outcome: string) =>
  report({ type: 'action', date, action: { type: 'custom', target: { name: 'login.result' } }, context: { outcome } })

describe('the reports of a browser', () => {
  test('make sessions, the newest first, with how the last sign-in ended', () => {
    const reports = [
      signIn(5_000, 'success'),
      signIn(3_000, 'login-refused'),
      report({ view: { id: 'v2' } }),
      report({ session: { id: 's2' }, date: 9_000 }),
    ]
    expect(sessionsOf(reports)).toEqual([
      { id: 's2', firstAt: 9_000, lastAt: 9_000, pages: 1, reports: 1, outcome: undefined },
      { id: 's1', firstAt: 1_000, lastAt: 5_000, pages: 2, reports: 3, outcome: 'success' },
    ])
  })

  test('are shown in words', () => {
    const shown = [
      report({ view: { id: 'v', url: 'http://localhost:8000/login', time_spent: 4e9 } }),
      signIn(1, 'success'),
      report({ type: 'action', action: { type: 'click', target: { name: 'Masked Element' } } }),
      report({ type: 'resource', resource: { url: 'http://localhost:8000/assets/a.js' } }),
      report({ type: 'error', error: { message: 'no' } }),
      report({ type: 'long_task', long_task: { duration: 7e7 } }),
      report({ type: 'vital' }),
    ]
    expect(shown.map(wordsOf)).toEqual([
      'page /login, open for 4 s',
      'login.result: success',
      'click on /login',
      'loaded /assets/a.js',
      'error: no',
      'busy for 70 ms',
      'vital',
    ])
  })

  test('name a page once, by its last report', () => {
    const last = report({ date: 3 })
    const action = report({ type: 'action' })
    expect(withoutUpdates([last, action, report({ date: 2 }), report({ view: { id: 'v2' } })])).toEqual([
      last,
      action,
      report({ view: { id: 'v2' } }),
    ])
  })
})
