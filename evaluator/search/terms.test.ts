import { expect, test } from 'vitest'
import type { Log } from '../log.ts'
import { parseSearch } from './search.ts'
import type { Field } from './search-ast.ts'
import { SilentTerms } from './silent-terms.ts'
import { termsOf } from './terms.ts'

const logs: Log[] = [
  {
    message: 'Login failed',
    service: 'web',
    status: 'info',
    tags: ['env:prod', 'team:blue'],
    attributes: {
      evt: 'login',
      outcome: 'fail',
      usr: { id: 'u1' },
      network: { client: { ip: '203.0.113.9' } },
      userAgent: 'x',
    },
  },
  { message: 'tick', service: 'api', attributes: { list: [{ name: 'a' }], n: 5 } },
]

/** What is said of each term that matched nothing. */
function reported(query: string, over: readonly Log[] = logs, facets: readonly Field[] = []): string[] {
  const silent = new SilentTerms([{ node: parseSearch(query).node, facets }])
  for (const log of over) silent.observe(log)
  return silent.list().map(({ text }) => text)
}

test.each<[query: string, expected: string[]]>([
  ['evt:login', ['`evt:login` matched no event; did you mean `@evt:login`?']],
  ['@evt:login service:web failed', []],
  ['@evt:login outcome:fail', ['`outcome:fail` matched no event; did you mean `@outcome:fail`?']],
  ['@env:prod', ['`@env:prod` matched no event; did you mean `env:prod`?']],
  ['env:prdo', ['`env:prdo` matched no event; did you mean `env:prod`?']],
  ['@evt:logn', ['`@evt:logn` matched no event; did you mean `@evt:login`?']],
  ['@Evt:login', ['`@Evt:login` matched no event; did you mean `@evt:login`?']],
  ['@usr_id:u1', ['`@usr_id:u1` matched no event; did you mean `@usr.id:u1`?']],
  ['@ip:*', ['`@ip:*` matched no event; did you mean `@network.client.ip:*`?']],
  ['@user_agent:x', ['`@user_agent:x` matched no event; did you mean `@userAgent:x`?']],
  ['@service:webb', ['`@service:webb` matched no event; did you mean `service:webb`?']],
  ['team:(blue OR green)', ['`team:green` matched no event']],
  [
    'CIDR(@client.ip, 203.0.113.0/24)',
    ['`CIDR(@client.ip, 203.0.113.0/24)` matched no event; did you mean `CIDR(@network.client.ip, 203.0.113.0/24)`?'],
  ],
  ['@list.nmae:a', ['`@list.nmae:a` matched no event; did you mean `@list.name:a`?']],
  ['@n:6 @list.name:b', ['`@n:6` matched no event', '`@list.name:b` matched no event']],
  ['@n:>9', ['`@n:>9` matched no event']],
  [
    '@zzz:1 nothing *:nowhere',
    ['`@zzz:1` matched no event', '`nothing` matched no event', '`*:nowhere` matched no event'],
  ],
  ['@evt:login -@outcome:success -noise', []],
  [
    '@evt:login -outcome:success',
    ['`-outcome:success` excludes nothing: no event has this field; did you mean `@outcome:success`?'],
  ],
  ['@evt:login OR @evt:logout', ['`@evt:logout` matched no event']],
])('%s', (query, expected) => {
  expect(reported(query)).toEqual(expected)
})

test('a term that stands only below exclusions is called excluded', () => {
  const excluded = (query: string) => termsOf(parseSearch(query).node).map(({ text, excluded }) => [text, excluded])
  expect(excluded('a -b -(c OR -d) NOT @e:(f OR g) -a')).toEqual([
    ['a', false],
    ['b', true],
    ['c', true],
    ['d', false],
    ['@e:f', true],
    ['@e:g', true],
  ])
})

test('without any log there is nothing to suggest', () => {
  expect(reported('@evt:login', [])).toEqual(['`@evt:login` matched no event'])
})

test('a facet that no event has is reported as well', () => {
  const facets: Field[] = ['ip', 'evt', 'usr.uid'].map((path) => ({ kind: 'attribute', path }))
  expect(reported('@evt:login', logs, facets)).toEqual([
    'no event has the facet `@ip`; did you mean `@network.client.ip`?',
    'no event has the facet `@usr.uid`; did you mean `@usr.id`?',
  ])
})

test('an attribute from which a reserved one or a tag was read is suggested only if it holds the value', () => {
  const read: Log = { service: 'web', tags: ['env:prod'], attributes: { service: 'web', env: 'prod', code: 'E1' } }
  expect(reported('service:billing', [read])).toEqual(['`service:billing` matched no event'])
  expect(reported('service:bill*', [read])).toEqual(['`service:bill*` matched no event'])
  expect(reported('env:staging', [read])).toEqual(['`env:staging` matched no event'])
  expect(reported('code:E1', [read])).toEqual(['`code:E1` matched no event; did you mean `@code:E1`?'])
  expect(reported('code:E2', [read])).toEqual(['`code:E2` matched no event; did you mean `@code:E2`?'])
})
