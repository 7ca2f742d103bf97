import type { Alert, Delivery, SignalReport } from 'alertproof/notify'
import { expect, test } from 'vitest'
import { newsLine } from './news.ts'

const NOW = Date.UTC(2026, 2, 1, 12, 0, 7)
const io = { color: false }
const alert: Alert = {
  id: 1,
  event_id: '1',
  monitor: 'session-reuse',
  name: 'a',
  transition: 'Triggered',
  at: '2026-03-01T12:00:07.000Z',
  notified_at: NOW,
  group: { '@sid': 'abc' },
  scope: '@sid:abc',
  value: 2,
  measured: '2 values of @device_hash > 1',
  cycle_key: 'c',
  first_triggered_at: '2026-03-01T12:00:07.000Z',
  title: '',
  message: '',
  sample: [],
  deliveries: [],
  unknown_webhooks: [],
}
const delivered = (answer: unknown, more: Partial<Delivery> = {}) =>
  newsLine(
    {
      kind: 'delivery',
      alert,
      delivery: {
        webhook: 'ato-contain',
        state: 'delivered',
        attempts: 1,
        status: 200,
        answer: JSON.stringify(answer),
        duration_ms: 219,
        ...more,
      },
    },
    NOW,
    io,
  )

test('an alert shows the measured value and its group', () => {
  expect(newsLine({ kind: 'alert', alert }, NOW, io)).toBe(
    '  12:00:07  alert        Triggered: session-reuse, 2 values of @device_hash > 1,\n                         @sid:abc',
  )
})

test('a signal shows its severity, its value and its group, and what became of it', () => {
  const signal: SignalReport = {
    ...{ id: 2, signal_id: 's', rule: 'session-reuse', name: 'a', transition: 'Triggered', severity: 'critical' },
    ...{ case: 'c', at: alert.at, notified_at: NOW, group: { '@sid': 'abc' }, value: 2, first_seen: alert.at },
    ...{ last_seen: alert.at, title: '', message: '', sample: [], deliveries: [], unknown_webhooks: [] },
  }
  const line = newsLine({ kind: 'signal', signal }, NOW, io)
  expect(line.replace(/\s+/g, ' ')).toBe(' 12:00:07 signal Triggered: session-reuse, critical, value 2, @sid:abc')
  const delivery = { webhook: 'w', attempts: 1, state: 'delivered', answer: '{"ignored":"duplicate"}' } as const
  expect(newsLine({ kind: 'signal-delivery', signal, delivery }, NOW, io).replace(/\s+/g, ' ')).toContain(
    'containment session-reuse, by its signal: nothing to do (duplicate)',
  )
})

test.each([
  [delivered({ action: 'revoke', result: 'success', state: 'done' }), 'session-reuse: revoke: success, after 219 ms'],
  [delivered({ action: 'revoke', result: 'pending', state: 'held' }), 'session-reuse: revoke: held, after 219 ms'],
  [delivered({ ignored: 'recovered' }), 'session-reuse: nothing to do (recovered)'],
  [delivered({}, { answer: '<html>' }), 'session-reuse: answered 200'],
  [delivered({}, { state: 'failed', error: 'connect ECONNREFUSED' }), 'not delivered: connect ECONNREFUSED'],
  [delivered({}, { state: 'refused', status: 401 }), 'session-reuse: not delivered: answered 401'],
])('%s', (line, text) => {
  expect(line.replace(/\s+/g, ' ')).toContain(text)
})

test('a hostile value cannot write control characters to the terminal', () => {
  const hostile = { ...alert, scope: '@sid:\u001b[2J' }
  expect(newsLine({ kind: 'alert', alert: hostile }, NOW, io)).not.toContain('\u001b')
})
