import { describe, expect, test } from 'vitest'
import { compileTemplate, type MessageFacts, webhookHandles } from './template.ts'
import { TemplateError } from './template-parser.ts'

const at = Date.UTC(2026, 4, 31, 14, 43, 27)

const facts: MessageFacts = {
  flags: new Set(['is_alert']),
  priority: 'P2',
  group: { '@ip': '203.0.113.9', '@network.client.ip': '203.0.113.10', '@usr': 'ada', env: 'prod' },
  numbers: { value: 11, threshold: 10, comparator: '>' },
  dates: { last_triggered_at: at },
  link: 'http://localhost/alert',
  log: {
    id: 'l1',
    timestamp: at,
    message: 'hello',
    status: 'info',
    tags: ['team:blue', 'team:azure'],
    attributes: {
      evt: 'login',
      usr: { id: 'u_1', name: '<Ada & "Co">' },
      'a.b': 'literal',
      reason: '{{value}} $ALERT_ID @webhook-x',
      list: [1, 2],
      dd: { trace_id: 't-1' },
      span_id: 's-1',
    },
  },
}

const rendered = (text: string, changed: Partial<MessageFacts> = {}) => compileTemplate(text)({ ...facts, ...changed })

describe('a variable', () => {
  test.each([
    ['{{@ip.name}}', '203.0.113.9'],
    ['{{ @ip.name }}', '203.0.113.9'],
    ['{{[@network.client.ip].name}}', '203.0.113.10'],
    ['{{env.name}}', 'prod'],
    ['{{@usr.name}}', 'ada'],
    ['{{value}} {{comparator}} {{threshold}}', '11 &gt; 10'],
    ['{{log.attributes.evt}}', 'login'],
    ['{{log.attributes.usr.id}}', 'u_1'],
    ['{{log.attributes.[usr.id]}}', 'u_1'],
    ['{{log.attributes.[a.b]}}', 'literal'],
    ['{{{log.attributes.list}}}', '[1,2]'],
    ['{{log.tags.team}}', 'azure,blue'],
    ['{{log.message}} {{log.status}}', 'hello info'],
    ['{{log.trace_id}} {{log.span_id}} {{log.source}}', 't-1 s-1 '],
    ['{{urlencode "env.name"}}-{{urlencode "log.attributes.usr.name"}}', 'prod-%3CAda%20%26%20%22Co%22%3E'],
    ['{{eval "value*2+1"}}', '23'],
    ['{{eval "last_triggered_at_epoch-15*60*1000"}}', String(at - 900_000)],
    ['{{log.timestamp}}', '2026-05-31T14:43:27.000Z'],
    ['{{last_triggered_at}}', '2026-05-31T14:43:27.000Z'],
    ['{{last_triggered_at_epoch}}', String(at)],
    ["{{local_time 'last_triggered_at' 'Asia/Tokyo'}}", '2026-05-31 23:43:27+09:00'],
    ["{{local_time 'last_triggered_at' 'Etc/UTC'}}", '2026-05-31 14:43:27+00:00'],
  ])('%s renders as %s', (text, expected) => {
    expect(rendered(text)).toBe(expected)
  })

  test.each([
    '{{nobody}}',
    '{{@sid.name}}',
    '{{@network.client.ip.name}}',
    '{{log.attributes.constructor}}',
    '{{constructor.name}}',
    '{{log.attributes.evt.length}}',
  ])('%s is unknown or absent and renders as nothing', (text) => {
    expect(rendered(`[${text}]`)).toBe('[]')
  })

  test('of a log renders as nothing on recovery', () => {
    const { log, ...silent } = facts
    expect(compileTemplate('[{{log.attributes.evt}}{{log.message}}]')(silent)).toBe('[]')
  })

  test('is escaped in double braces and not in triple braces', () => {
    expect(rendered('{{log.attributes.usr.name}}')).toBe('&lt;Ada &amp; &quot;Co&quot;&gt;')
    expect(rendered('{{{log.attributes.usr.name}}}')).toBe('<Ada & "Co">')
  })

  test('is not read as a template', () => {
    expect(rendered('{{{log.attributes.reason}}}')).toBe('{{value}} $ALERT_ID @webhook-x')
  })
})

describe('a block', () => {
  test.each([
    ['{{#is_alert}}yes{{/is_alert}}', 'yes'],
    ['{{^is_alert}}no{{/is_alert}}', ''],
    ['{{#is_recovery}}yes{{else}}no{{/is_recovery}}', 'no'],
    ['{{^is_recovery}}no{{else}}yes{{/is_recovery}}', 'no'],
    ['{{#is_alert}}a{{#is_match "env.name" "pro"}}b{{/is_match}}c{{/is_alert}}', 'abc'],
    ['{{#is_match "env" "dev" "prod"}}yes{{/is_match}}', 'yes'],
    ['{{#is_match "env.name" "dev"}}yes{{else}}no{{/is_match}}', 'no'],
    ['{{#is_match "env.name" ""}}some{{/is_match}}', 'some'],
    ['{{#is_match "nobody.name" ""}}some{{else}}none{{/is_match}}', 'none'],
    ['{{#is_exact_match "env.name" "pro"}}yes{{else}}no{{/is_exact_match}}', 'no'],
    ['{{#is_exact_match "value" "11.0"}}yes{{/is_exact_match}}', 'yes'],
    ['{{#is_exact_match "nobody.name" ""}}none{{/is_exact_match}}', 'none'],
    ["{{#is_priority 'P2'}}yes{{/is_priority}}", 'yes'],
    ['a{{!-- {{hidden}} --}}b{{! also }}c', 'abc'],
    ['a{{!-- never closed as it began }}b{{value}}{{!-- but --}}c', 'ab11c'],
    ['{{{{raw}}}}{{value}}{{{{/raw}}}}', '{{value}}'],
    ['{{{{is_match "env.name" "prod"}}}}{{ .matched }}{{{{/is_match}}}}', '{{ .matched }}'],
    ['{{{{is_match "env.name" "dev"}}}}{{ .matched }}{{{{/is_match}}}}', ''],
  ])('%s renders as %s', (text, expected) => {
    expect(rendered(text)).toBe(expected)
  })

  test.each([
    ['{{#is_alert}}x', '{{#is_alert}} is not closed'],
    ['x{{/is_alert}}', 'position 1: {{/is_alert}} is outside a block'],
    ['{{else}}', 'is outside a block'],
    ['{{#is_alert}}{{/is_warning}}', '{{/is_warning}} does not close {{#is_alert}}'],
    ['{{#is_alert}}{{else}}{{else}}{{/is_alert}}', '{{else}} does not close {{#is_alert}}'],
    ['{{#is_fun}}{{/is_fun}}', '{{#is_fun}} is not a condition'],
    ['{{#is_match "env"}}{{/is_match}}', 'needs a variable and a string'],
    ['ab {{value', 'position 3: these braces are not closed'],
    ['{{eval "value*"}}', 'eval, position 6: expected a number or a variable instead of `the end`'],
    ["{{override_priority 'P6'}}", "override_priority needs 'P1' to 'P5'"],
    ['{{{{is_match "env"}}}}x{{{{/is_match}}}}', 'needs a variable and a string'],
    ["{{local_time 'x' 'Mars/Olympus'}}", '"Mars/Olympus" is not a time zone'],
    ['{{two words}}', '"two words" is not a variable'],
    ['{{}}', '"" is not a variable'],
  ])('%s gives an error with its position', (text, reason) => {
    expect(() => compileTemplate(text)).toThrow(TemplateError)
    expect(() => compileTemplate(text)).toThrow(reason)
  })
})

describe('override_priority', () => {
  const overridden = (text: string) => {
    const told: string[] = []
    compileTemplate(text)({ ...facts, override: (priority) => told.push(priority) })
    return told
  }

  test('renders nothing, and has an effect only if its block is rendered', () => {
    expect(rendered("a{{override_priority 'P1'}}b")).toBe('ab')
    expect(overridden("{{#is_alert}}{{override_priority 'P1'}}{{/is_alert}}")).toEqual(['P1'])
    expect(overridden("{{#is_recovery}}{{override_priority 'P1'}}{{/is_recovery}}")).toEqual([])
  })
})

describe('a webhook handle', () => {
  test('needs white space or an end of the text on both sides, and counts once', () => {
    expect(webhookHandles('@webhook-a x@webhook-b @webhook-c,\n@webhook-d\n@webhook-a')).toEqual(['a', 'd'])
  })

  test('in a conditional block notifies only of that transition', () => {
    const text = '{{#is_alert}}@webhook-contain{{/is_alert}} {{#is_recovery}}@webhook-close{{/is_recovery}}'
    expect(webhookHandles(rendered(text))).toEqual(['contain'])
    expect(webhookHandles(rendered(text, { flags: new Set(['is_recovery']) }))).toEqual(['close'])
  })
})

describe('the message of a rule', () => {
  const ofRule = (text: string) =>
    compileTemplate(
      text,
      'rule',
    )({
      ...facts,
      named: (path) => (path.join('.') === '@ip' ? '203.0.113.9' : path.join('.') === '@empty' ? '' : undefined),
    })

  test.each([
    ['{{#if @ip}}from {{@ip}}{{else}}from nowhere{{/if}}', 'from 203.0.113.9'],
    ['{{#if @other}}a{{else}}b{{/if}}', 'b'],
    ['{{#if @empty}}a{{/if}}', ''],
    ['{{^if @other}}none{{/if}}', 'none'],
    ['{{#is_exact_match "@ip" "203.0.113.9"}}known{{/is_exact_match}}', 'known'],
  ])('%s renders as %s', (text, expected) => {
    expect(ofRule(text)).toBe(expected)
  })

  test('has conditions of its own', () => {
    expect(() => ofRule('{{#is_alert}}a{{/is_alert}}')).toThrow('{{#is_alert}} is not a condition of a rule')
    expect(() => ofRule('{{#if}}a{{/if}}')).toThrow('if needs one variable')
    expect(() => compileTemplate('{{#if @ip}}a{{/if}}')).toThrow('{{#if}} is not a condition of a log monitor')
  })
})
