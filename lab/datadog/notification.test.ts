// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that these names stay literal is what is tested
import { describe, expect, test } from 'vitest'
import type { Transition } from './evaluate.ts'
import type { IndexedLog } from './log.ts'
import { type Monitor, readMonitor } from './monitor.ts'
import { flagsOf, type Notification, notifierFor } from './notification.ts'
import { substitute } from './payload.ts'

const at = Date.UTC(2026, 10, 22, 12, 0, 30)

const file = {
  name: 'Credential stuffing from {{@ip.name}}',
  type: 'log alert',
  query:
    'logs("service:mini-ato-saas @evt:login @outcome:fail").index("*").rollup("count").by("@ip,@usr.id").last("5m") > 10',
  message: [
    '{{#is_alert}}Contain **{{@ip.name}}** @webhook-ato-contain{{/is_alert}}',
    '{{#is_recovery}}Over @webhook-ato-close{{/is_recovery}}',
    '{{#is_warning}}Watch{{/is_warning}}',
  ].join(''),
  tags: ['detection:credential-stuffing', 'contain:ip'],
  options: {
    thresholds: { critical: 10 },
    new_group_delay: 0,
    on_missing_data: 'resolve',
    enable_logs_sample: true,
    escalation_message: 'Still going on',
  },
}

const monitorOf = (changed: object = {}): Monitor =>
  readMonitor(JSON.stringify({ ...file, ...changed }), 'detections/credential-stuffing/monitor.json')

/** Everything an attacker would put where a value goes. */
const hostile = 'a"b\\c\nd,$ALERT_ID{{value}}${x}$&@webhook-ato-close'

const sample: IndexedLog = { id: 'l', timestamp: at, host: 'h', message: `said "${hostile}"`, attributes: {} }

function transitionOf(transition: Transition['transition'], changed: Partial<Transition> = {}): Transition {
  return {
    monitor: monitorOf(),
    transition,
    group: { '@usr.id': 'u_1', '@ip': '203.0.113.9' },
    at,
    value: 11,
    cycleKey: 'cycle-1',
    from: 'OK',
    firstTriggeredAt: at - 60_000,
    lastTriggeredAt: at - 30_000,
    sample: [sample],
    breaching: [],
    ...changed,
  }
}

function notify(transition: Transition): Notification {
  const options = { variables: { TEAM: 'blue' }, origin: 'http://127.0.0.1:8126' }
  return notifierFor(transition.monitor, options)(transition)
}

/** The names that the recommended payloads use, each as the receiver would get it. */
const payload =
  '{"id":"$ID","alert_id":"$ALERT_ID","cycle_key":"$ALERT_CYCLE_KEY","transition":"$ALERT_TRANSITION",' +
  '"scope":"$ALERT_SCOPE","tags":"$TAGS","date":"$DATE"}'

const rendered = (transition: Transition) => substitute(payload, notify(transition).values)

describe('the payload', () => {
  test.each<[Transition['transition']]>([['Triggered'], ['Re-Triggered'], ['Warn'], ['Recovered'], ['No Data']])(
    'of %s is this, to the byte',
    (transition) => {
      const text = rendered(transitionOf(transition))
      const { id } = JSON.parse(text)
      expect(id).toMatch(/^\d{10,20}$/)
      expect(text).toBe(
        `{"id":"${id}","alert_id":"${monitorOf().id}","cycle_key":"cycle-1","transition":"${transition}",` +
          '"scope":"@ip:203.0.113.9,@usr.id:u_1",' +
          '"tags":"detection:credential-stuffing,contain:ip,@ip:203.0.113.9,@usr.id:u_1","date":"1795348830000"}',
      )
    },
  )

  test.each<[Transition['transition']]>([['Triggered'], ['Re-Triggered'], ['Warn'], ['Recovered'], ['No Data']])(
    'of %s carries a hostile value raw, and reads no name inside it',
    (transition) => {
      const text = rendered(transitionOf(transition, { group: { '@ip': hostile, '@usr.id': 'u_1' } }))
      expect(text).toContain(`"scope":"@ip:${hostile},@usr.id:u_1"`)
      expect(() => JSON.parse(text)).toThrow(SyntaxError)
    },
  )

  test('can be given another key by a hostile value: the receiver must refuse repeated keys', () => {
    const group = { '@ip': '1","transition":"Recovered","x":"', '@usr.id': 'u_1' }
    expect(JSON.parse(rendered(transitionOf('Triggered', { group }))).transition).toBe('Recovered')
  })

  test('of two notifications never has the same id', () => {
    expect(notify(transitionOf('Triggered')).id).not.toBe(notify(transitionOf('Triggered')).id)
  })
})

describe('a name in a payload', () => {
  const values = notify(transitionOf('Triggered')).values

  test.each([
    ['$ALERT_TITLE', 'Credential stuffing from 203.0.113.9'],
    ['$EVENT_TITLE', '[Triggered on {@ip:203.0.113.9,@usr.id:u_1}] Credential stuffing from 203.0.113.9'],
    ['$ALERT_TYPE', 'error'],
    ['$EVENT_TYPE', 'log_alert'],
    ['$DATE_POSIX', '1795348830'],
    ['$TAGS[contain]', 'ip'],
    ['$TAGS[nobody]', ''],
    ['$TEXT_ONLY_MSG', 'Contain 203.0.113.9 @webhook-ato-contain'],
    ['$TEAM', 'blue'],
    ['$ALERT_QUERY', file.query],
    ['$ALERT_PRIORITY', ''],
    ['$INCIDENT_TITLE$SYNTHETICS_SUMMARY$SECURITY_SIGNAL_ATTRIBUTES$SNAPSHOT', ''],
  ])('%s is %s', (text, expected) => {
    expect(substitute(text, values)).toBe(expected)
  })

  test.each([
    '${sid}',
    '${usr.name}',
    '$NOBODY',
    '$ALERT_IDS',
    '{{@sid.name}}',
    '$alert_id',
    '$',
    '$$',
    '$__proto__',
    '$CONSTRUCTOR',
  ])('%s is none of Datadog’s and stays as it is', (text) => {
    expect(substitute(text, values)).toBe(text)
  })

  test('$EVENT_MSG holds the message with its handles and the query', () => {
    const message = substitute('$EVENT_MSG', values)
    expect(message).toMatch(/^%%%\n[\s\S]+\n%%%$/)
    expect(message).toContain('@webhook-ato-contain')
    expect(message).toContain('More than **10** log events matched in the last **5m**')
  })

  test('$LOGS_SAMPLE shows messages cut to 500 characters, and nothing on recovery', () => {
    const long = { ...sample, message: 'x'.repeat(501) }
    const silent: IndexedLog = { id: 'l', timestamp: at, attributes: {} }
    const shown = (transition: Transition) => notify(transition).values.own.LOGS_SAMPLE ?? ''
    expect(JSON.parse(shown(transitionOf('Triggered', { sample: [silent, long] })))).toMatchObject({
      rows: [{ items: ['12:00:30 UTC', 'h'], message: 'x'.repeat(500) }],
    })
    expect(shown(transitionOf('Recovered'))).toBe('')
    const without = monitorOf({ options: { ...file.options, enable_logs_sample: false } })
    expect(shown(transitionOf('Triggered', { monitor: without }))).toBe('')
  })
})

describe('a notification', () => {
  test('goes to the handles of its own transition only', () => {
    expect(notify(transitionOf('Triggered')).webhooks).toEqual(['ato-contain'])
    expect(notify(transitionOf('Re-Triggered')).webhooks).toEqual(['ato-contain'])
    expect(notify(transitionOf('Recovered')).webhooks).toEqual(['ato-close'])
    expect(notify(transitionOf('Warn')).webhooks).toEqual([])
  })

  test('adds the escalation message when it is a repeat', () => {
    expect(notify(transitionOf('Re-Triggered')).message).toContain('Still going on')
    expect(notify(transitionOf('Triggered')).message).not.toContain('Still going on')
  })

  test('of a monitor without groups names no scope in its title', () => {
    const monitor = monitorOf({ query: file.query.replace('.by("@ip,@usr.id")', ''), name: 'All', priority: 2 })
    const told = notify(transitionOf('Triggered', { monitor, group: {} }))
    expect(told).toMatchObject({ scope: '', title: '[P2] [Triggered] All' })
  })

  test('leaves the scope out of the title when the monitor says so', () => {
    const monitor = monitorOf({ options: { ...file.options, include_tags: false }, name: 'All' })
    expect(notify(transitionOf('Triggered', { monitor })).title).toBe('[Triggered] All')
  })

  test('cannot be prepared from a message that is no template, and the file is named', () => {
    expect(() => notify(transitionOf('Triggered', { monitor: monitorOf({ message: '{{#is_alert}}' }) }))).toThrow(
      'detections/credential-stuffing/monitor.json: message, position 0: {{#is_alert}} is never closed',
    )
  })

  test.each([
    ['Triggered', 'OK', ['is_alert']],
    ['Triggered', 'Warn', ['is_alert']],
    ['Re-Triggered', 'Alert', ['is_alert', 'is_renotify']],
    ['Warn', 'OK', ['is_warning']],
    ['Warn', 'Alert', ['is_warning', 'is_alert_to_warning']],
    ['Re-Warn', 'Warn', ['is_warning', 'is_renotify']],
    ['No Data', 'Alert', ['is_no_data']],
    ['Re-No Data', 'No Data', ['is_no_data', 'is_renotify']],
    ['Recovered', 'Alert', ['is_recovery', 'is_alert_recovery']],
    ['Recovered', 'Warn', ['is_recovery', 'is_warning_recovery']],
    ['Recovered', 'No Data', ['is_recovery', 'is_no_data_recovery']],
  ] as const)('%s after %s makes exactly %j true', (transition, from, flags) => {
    expect([...flagsOf(transition, from)]).toEqual(flags)
  })
})
