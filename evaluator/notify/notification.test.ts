// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the test asserts that these names stay literal
import { describe, expect, test } from 'vitest'
import type { Transition } from '../evaluate/evaluate.ts'
import type { IndexedLog } from '../log.ts'
import { type Monitor, readImportable } from '../monitor/monitor.ts'
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
    renotify_interval: 10,
    escalation_message: 'Still going on',
  },
}

const monitorOf = (changed: object = {}): Monitor =>
  readImportable(JSON.stringify({ ...file, ...changed }), 'detections/credential-stuffing/monitor.json')

/** What an attacker could put into a value. */
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

/** A payload with the names that the recommended payloads use. */
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

  test('can get another key from a hostile value, so the receiver must refuse repeated keys', () => {
    const group = { '@ip': '1","transition":"Recovered","x":"', '@usr.id': 'u_1' }
    expect(JSON.parse(rendered(transitionOf('Triggered', { group }))).transition).toBe('Recovered')
  })

  test('of each notification has its own id', () => {
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
  ])('%s is not a name of Datadog and stays unchanged', (text) => {
    expect(substitute(text, values)).toBe(text)
  })

  test('$EVENT_MSG contains the message with its handles and the query', () => {
    const message = substitute('$EVENT_MSG', values)
    expect(message).toMatch(/^%%%\n[\s\S]+\n%%%$/)
    expect(message).toContain('@webhook-ato-contain')
    expect(message).toContain('More than **10** log events matched in the last **5m**')
  })

  test('$LOGS_SAMPLE contains messages cut to 500 characters, and is empty on recovery', () => {
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

describe('the text of $EVENT_MSG', () => {
  const shown = (preset: string | undefined, changed: object = {}) => {
    const monitor = monitorOf({ options: { ...file.options, notification_preset_name: preset }, ...changed })
    const { values, webhooks } = notify(transitionOf('Triggered', { monitor }))
    expect(webhooks, 'whom it goes to').toEqual(['ato-contain'])
    const text = values.own.EVENT_MSG ?? ''
    return {
      query: text.includes('log events matched'),
      handles: text.includes('@webhook-ato-contain') && values.own.TEXT_ONLY_MSG?.includes('@webhook-ato-contain'),
      footer: text.includes('[Monitor Status]'),
    }
  }

  test.each([
    [undefined, { query: true, handles: true, footer: true }],
    ['show_all', { query: true, handles: true, footer: true }],
    ['hide_query', { query: false, handles: true, footer: true }],
    ['hide_handles', { query: true, handles: false, footer: true }],
    ['hide_query_and_handles', { query: false, handles: false, footer: true }],
    ['hide_handles_and_footer', { query: true, handles: false, footer: false }],
    ['hide_all', { query: false, handles: false, footer: false }],
    ['show_only_snapshot', { query: false, handles: false, footer: false }],
  ])('with %s shows %j', (preset, parts) => {
    expect(shown(preset)).toEqual(parts)
  })

  test('hides handles of integrations and people, and nothing similar', () => {
    const message = 'From @ip and a@b: @slack-team-x see @ada@example.test\n@webhook-ato-contain'
    const monitor = monitorOf({ message, options: { notification_preset_name: 'hide_handles' } })
    expect(notify(transitionOf('Triggered', { monitor })).values.own.TEXT_ONLY_MSG).toBe('From @ip and a@b: see')
  })

  test('of a measure names the measure and the threshold', () => {
    const query = 'logs("service:a").rollup("pc95","@duration").last("1h") >= 250'
    const { own } = notify(transitionOf('Triggered', { monitor: monitorOf({ query, options: {} }), group: {} })).values
    expect(own.EVENT_MSG).toContain('pc95 of **@duration** was **>= 250** in the last **60m** over logs that match')
    expect(own.ALERT_STATUS).toBe(
      'pc95 of @duration was >= 250 in the last 60m over logs that match the monitored query: service:a',
    )
  })
})

describe('$LOGS_SAMPLE', () => {
  const breaching = [{ group: { '@ip': '203.0.113.9' }, value: 7.5 }]
  const rows = (query: string, options: object = {}) => {
    const monitor = monitorOf({ query, options: { enable_logs_sample: true, ...options } })
    const { own } = notify(transitionOf('Triggered', { monitor, breaching })).values
    return JSON.parse(own.LOGS_SAMPLE ?? '') as { label: string; columns: string[]; rows: { items: string[] }[] }
  }
  const values = {
    label: 'Top Values',
    columns: ['@ip', 'value'],
    rows: [{ items: ['203.0.113.9', '7.5'], message: '' }],
  }

  test.each([
    ['an ungrouped count', 'logs("*").rollup("count").last("5m") > 1', {}, 'Sample Logs'],
    ['an ungrouped measure', 'logs("*").rollup("avg","@n").last("5m") > 1', {}, 'Sample Logs'],
    ['a grouped count', 'logs("*").rollup("count").by("@ip").last("5m") > 1', {}, 'Sample Logs'],
    ['a grouped measure', 'logs("*").rollup("avg","@n").by("@ip").last("5m") > 1', {}, 'Top Values'],
    [
      'a grouped count, alerting as one',
      'logs("*").rollup("count").by("@ip").last("5m") > 1',
      { notify_by: ['*'] },
      'Top Values',
    ],
  ])('of %s has the form of the documentation', (_, query, options, label) => {
    const sampled = rows(query, options)
    if (label === 'Top Values') expect(sampled).toEqual(values)
    else expect(sampled).toMatchObject({ label, columns: ['Time', 'Host'] })
  })
})

describe('a notification', () => {
  test('is sent to the handles of its own transition only', () => {
    expect(notify(transitionOf('Triggered')).webhooks).toEqual(['ato-contain'])
    expect(notify(transitionOf('Re-Triggered')).webhooks).toEqual(['ato-contain'])
    expect(notify(transitionOf('Recovered')).webhooks).toEqual(['ato-close'])
    expect(notify(transitionOf('Warn')).webhooks).toEqual([])
  })

  test('has the escalation message when it is a reminder', () => {
    expect(notify(transitionOf('Re-Triggered')).message).toContain('Still going on')
    expect(notify(transitionOf('Triggered')).message).not.toContain('Still going on')
  })

  test('of a monitor without groups has no scope in its title', () => {
    const monitor = monitorOf({ query: file.query.replace('.by("@ip,@usr.id")', ''), name: 'All', priority: 2 })
    const told = notify(transitionOf('Triggered', { monitor, group: {} }))
    expect(told).toMatchObject({ scope: '', title: '[P2] [Triggered] All' })
  })

  test('has no scope in its title with include_tags false', () => {
    const monitor = monitorOf({ options: { ...file.options, include_tags: false }, name: 'All' })
    expect(notify(transitionOf('Triggered', { monitor })).title).toBe('[Triggered] All')
  })

  test('of a draft is sent to nobody', () => {
    const monitor: Monitor = { ...monitorOf(), draft: true }
    expect(notify(transitionOf('Triggered', { monitor })).webhooks).toEqual([])
  })

  test('of groups that are notified together names only the facets that they share', () => {
    const monitor = monitorOf({
      options: { ...file.options, notify_by: ['@ip'] },
      name: '{{@ip.name}}/{{@usr.id.name}}',
    })
    const { scope, title, values } = notify(transitionOf('Triggered', { monitor, group: { '@ip': '203.0.113.9' } }))
    expect({ scope, title }).toEqual({
      scope: '@ip:203.0.113.9',
      title: '[Triggered on {@ip:203.0.113.9}] 203.0.113.9/',
    })
    expect(substitute('$TAGS', values)).toBe('detection:credential-stuffing,contain:ip,@ip:203.0.113.9')
  })

  test('has the priority of its monitor, unless its message overrides it', () => {
    const message = "{{#is_priority 'P2'}}two{{/is_priority}}{{#is_alert}}{{override_priority 'P1'}}{{/is_alert}}"
    const monitor = monitorOf({ message, priority: 2, name: 'N', options: { include_tags: false } })
    const alerted = notify(transitionOf('Triggered', { monitor }))
    expect(alerted).toMatchObject({ title: '[P1] [Triggered] N', message: 'two' })
    expect(alerted.values.own.ALERT_PRIORITY).toBe('P1')
    expect(notify(transitionOf('Recovered', { monitor })).values.own.ALERT_PRIORITY).toBe('P2')
  })

  test('contains the start of its cycle, the time of its last change and the recovery thresholds', () => {
    const message =
      '{{first_triggered_at_epoch}} {{last_triggered_at_epoch}} {{triggered_duration_sec}} {{alert_recovery_threshold}} {{warn_recovery_threshold}} {{warn_threshold}}'
    const thresholds = { critical: 10, warning: 5, critical_recovery: 8, warning_recovery: 4 }
    const monitor = monitorOf({ message, options: { thresholds } })
    expect(notify(transitionOf('Recovered', { monitor, from: 'Alert' })).message).toBe(
      `${at - 60_000} ${at - 30_000} 60 8 4 5`,
    )
  })

  test('cannot be prepared from a message that cannot be read, and the error names the file', () => {
    expect(() => notify(transitionOf('Triggered', { monitor: monitorOf({ message: '{{#is_alert}}' }) }))).toThrow(
      'detections/credential-stuffing/monitor.json: message, position 0: {{#is_alert}} is not closed',
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
  ] as const)('at %s after %s exactly the conditions %j hold', (transition, from, flags) => {
    expect([...flagsOf(transition, from)]).toEqual(flags)
  })
})
