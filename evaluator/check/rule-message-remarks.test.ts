import { expect, test } from 'vitest'
import { ruleMessageRemarks } from './rule-message-remarks.ts'

const remarks = (message: string) =>
  ruleMessageRemarks({ message, queries: [{ groupByFields: ['@ip', 'service', '@usr.name'] }] }).map(
    (remark) => `${remark.level} ${remark.rule} ${remark.place} ${remark.message}`,
  )

test.each([
  'Look at {{@ip}}, {{@usr.name}}, {{@http.url}} and {{service.name}}: {{events_matched}} events',
  '{{severity}} {{rule_name}} {{case_name}} {{first_seen}} {{eval "first_seen_epoch-15*60*1000"}} {{events_matched_per_query.a}}',
  '{{#if @ip}}{{@ip}}{{/if}} {{#is_exact_match "@ip" "1.2.3.4"}}x{{/is_exact_match}} {{[dot.key].name}}',
])('%s says nothing wrong', (message) => {
  expect(remarks(message)).toEqual([])
})

test.each([
  [
    '{{@ip.name}}',
    'warning unknown-variable message:3 {{@ip.name}} shows nothing: in a rule write {{@ip}}, without .name',
  ],
  ['{{value}} logs', /is a variable of monitors: a rule has/],
  ['{{log.attributes.ip}}', /is a variable of monitors/],
  ['{{ip}}', /shows nothing: write \{\{@ip\}\}/],
  ['{{usr.name.first}}', /shows nothing: write \{\{@usr\.name\.first\}\}/],
  ['{{who}}', /\{\{who\}\} is not a variable of a rule/],
  ['{{#if @ip}}open', /^error template message:/],
  ['$SECURITY_SIGNAL_ID', /^warning payload-variable/],
])('%s is told', (message, expected) => {
  expect(remarks(message)).toEqual([typeof expected === 'string' ? expected : expect.stringMatching(expected)])
})
