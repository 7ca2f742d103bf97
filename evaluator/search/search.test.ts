import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Log } from '../log.ts'
import { compileSearch, parseSearch, printSearch, SearchSyntaxError } from './search.ts'
import { type Bound, type Field, type PatternPart, RESERVED_NAMES, type SearchNode, type Value } from './search-ast.ts'

const login: Log = {
  message: 'Hello beautiful World, login failed for user_7',
  service: 'mini-ato-saas',
  host: 'web-1',
  status: 'error',
  source: 'heroku',
  tags: ['env:prod', 'Version:Beta', 'plain'],
  attributes: {
    evt: 'login',
    outcome: 'fail',
    ip: '203.0.113.9',
    code: 401,
    text_code: '401',
    debt: -5,
    ratio: 0.5,
    flag: true,
    nothing: null,
    empty: '',
    path: '/api-v1/users',
    colon: 'hello:world',
    spaced: 'hello world',
    starred: 'a*b',
    usr: { id: 42, name: 'Ann', roles: ['admin', 'staff'] },
    risk: ['new_device', 'spray'],
    no_risk: [],
    list: ['10.1.2.3', '192.0.2.1'],
    v6: '2001:db8::7',
    'flat.key': 'x',
    'a b': 1,
    tilde: 'a~b^c',
    Event: { Data: [{ Name: 'One' }, { Name: 'ObjectServer', Value: 3 }] },
    trace_id: 'abc123',
  },
}

const matching = {
  'free text reads the message': [
    'hello',
    'WORLD',
    'hello world',
    '"hello beautiful"',
    'user_7',
    'hello AND failed',
    'hello AND -zebra',
    'zebra OR failed',
    '"WORLD LOGIN"',
    '“failed hello”',
    '“hello” (“login”)',
    'message:"beautiful world"',
    'message:*_*',
    '*',
    '',
  ],
  'a wildcard at one end of free text anchors the other end': ['hello*', '*user_7', '*beautiful*', 'HELLO*', 'log?n'],
  'full text reads every attribute': [
    '*:fail',
    '*:"hello world"',
    '*:objectserver',
    '*:ann',
    '*:beautiful',
    '*:new_*',
    '*:(zebra OR fail)',
    '*:*',
  ],
  'attributes are paths': [
    '@evt:login',
    '@usr.id:42',
    '@usr.name:Ann',
    '@usr:*',
    '@flat.key:x',
    '@empty:*',
    '@flag:true',
    '@empty:""',
  ],
  'reserved attributes have no @': [
    'service:mini-ato-saas',
    'host:web-1',
    'status:ERROR',
    'source:heroku',
    'message:login',
    'trace_id:abc123',
    'service:mini*',
  ],
  'tags compare without case': [
    'env:prod',
    'ENV:Prod',
    'version:beta',
    'version:b*',
    'tags:plain',
    'tags:PLAIN',
    'tags:env*',
    'tags:(env\\:prod OR env\\:test)',
    'tags:("env:prod" OR "env:test")',
    'env:"prod"',
    'env:pr?d',
    '(env:prod AND -version:alpha)',
    'env:*',
  ],
  'groups name one key for several values': [
    'env:(prod OR test)',
    '@outcome:(success OR fail)',
    '@evt:(-mfa)',
    '@code:(>400 AND <402)',
    'env:(NOT test)',
    '-env:(test OR dev)',
  ],
  'AND binds tighter than OR': [
    '@evt:login OR @evt:mfa @outcome:success',
    '@evt:mfa @outcome:success OR @evt:login',
    '(@evt:login OR @evt:mfa) @outcome:fail',
    '@evt:mfa AND @outcome:fail OR @evt:login AND @outcome:fail',
    '-@evt:mfa @outcome:fail OR @evt:mfa',
  ],
  exclusions: [
    '-@evt:mfa',
    '- @evt:mfa',
    '@evt:(- mfa)',
    'NOT @evt:mfa',
    'NOT(@evt:mfa)',
    'NOT (@evt:mfa)',
    'NOT -@evt:login',
    '@evt:login AND NOT @outcome:success',
    'zebra OR -@evt:mfa',
    '-(@evt:mfa OR @evt:session)',
    '-@absent:*',
    '-@nothing:*',
    '-@no_risk:*',
    '-zebra',
    '!zebra',
    '+@evt:login',
  ],
  'escapes and quotes': [
    '@colon:hello\\:world',
    '@e\\vt:lo\\gin',
    '@evt:"\\login"',
    '@colon:"hello:world"',
    '@spaced:hello\\ world',
    '@spaced:"hello world"',
    '@starred:a\\*b',
    '@starred:"a*b"',
    '@path:/api\\-v1/users',
    '@path:/api-v1/users',
    '@debt:\\-5',
    '@a\\ b:1',
    '@tilde:a~b^c',
    '@path:\\/api\\-v1\\/users',
    '-@path:"/api-v1/*"',
  ],
  'wildcards of attributes are anchored at both ends': [
    '@path:/api-v1/*',
    '@path:*users',
    '@path:*v1*',
    '@spaced:hello?world',
    '@evt:l*n',
    '@code:4*',
    '@code:4?1',
  ],
  'comparisons and ranges': [
    '@code:>400',
    '@code:>=401',
    '@code:>4.01e2 OR @code:>400.5',
    '@code:<402',
    '@code:<=401',
    '@code:[400 TO 499]',
    '@code:{400 TO 402}',
    '@code:[401 TO *]',
    '@code:[* TO 401]',
    '@text_code:>400',
    '@debt:<-4',
    '@debt:[-6 TO -4]',
    '@ratio:>0.4',
    '@evt:[a TO z]',
    '@usr.name:>"A"',
  ],
  'a number and its text are alike': ['@code:401', '@text_code:401', '@code:"401"', '@code:401.0'],
  'any element of an array will do': [
    '@risk:spray',
    '@risk:new_device',
    '@usr.roles:staff',
    '@Event.Data.Name:ObjectServer',
    '@Event.Data.Value:>2',
    '@list:10*',
  ],
  'CIDR takes several blocks of either family': [
    'CIDR(@ip, 203.0.113.0/24)',
    'CIDR(@ip,10.0.0.0/8,203.0.113.9/32)',
    'CIDR(@list, 10.0.0.0/8)',
    'CIDR(@v6, 2001:db8::/32)',
    'NOT(CIDR(@ip, 10.0.0.0/8))',
    '-CIDR(@evt, 10.0.0.0/8)',
  ],
  'older forms that Vector accepts': [
    '_exists_:@evt',
    '_missing_:@absent',
    '_exists_:env',
    '@evt:mfa || @evt:login',
    '@evt:login && @outcome:fail',
  ],
}

const notMatching = {
  'a sequence is adjacent, in its order': [
    '"world beautiful"',
    '"hello world"',
    '"beautiful"  "zebra"',
    '“world zebra”',
  ],
  'free text is words, and reads no other attribute': [
    'hell',
    'user',
    'prod',
    'mini-ato-saas',
    '"hello world"',
    'and',
    'hello zebra',
    'ObjectServer',
  ],
  'a wildcard at one end of free text anchors the other end': ['world*', '*hello', 'ogin*', 'lo?n'],
  'full text': ['*:zebra', '*:plain', '*:server', '*:device*'],
  'attributes compare with case': [
    '@evt:Login',
    '@usr.name:ann',
    '@usr.id:43',
    '@nothing:*',
    '@no_risk:*',
    '@usr:Ann',
    '@flag:1',
    '@toString:*',
    '@usr.constructor:*',
  ],
  'a key without @ is a tag, never an attribute': [
    'evt:login',
    'outcome:fail',
    '@env:prod',
    '@service:mini-ato-saas',
    'usr.id:42',
  ],
  'reserved and tags': ['service:Mini-ato-saas', 'service:mini', 'env:pro', 'tags:env', 'tags:plai'],
  'AND binds tighter than OR': [
    '@evt:mfa OR @evt:login @outcome:success',
    '@evt:mfa (@outcome:success OR @outcome:fail)',
  ],
  exclusions: ['-@evt:login', 'NOT @evt:login', '-@risk:spray', '-env:(prod OR test)', '@evt:login -@outcome:fail'],
  'quoted stars are literal': ['@path:"/api-v1/*"', '@evt:"l*n"', '@starred:a\\*'],
  'only one character is what ? stands for': ['@evt:logi?n', '@evt:??login', 'env:p?d'],
  'precedence of AND, without and with -': ['@evt:mfa OR -@evt:login @outcome:fail', '-(@evt:login OR @evt:mfa)'],
  anchored: ['@path:api-v1*', '@path:/api-v1', '@evt:log?', '@code:4?'],
  ranges: [
    '@code:>401',
    '@code:[402 TO 499]',
    '@code:{401 TO 402}',
    '@evt:>1',
    '@absent:<5',
    '@text_code:<50',
    '@nothing:<5',
  ],
  CIDR: ['CIDR(@ip, 10.0.0.0/8)', 'CIDR(@evt, 0.0.0.0/0)', 'CIDR(@absent, 0.0.0.0/0)', '-CIDR(@ip, 203.0.113.0/24)'],
}

describe.each(Object.entries(matching))('%s', (_, queries) => {
  test.each(queries)('%s matches', (query) => {
    expect(compileSearch(query)(login)).toBe(true)
  })
})

describe.each(Object.entries(notMatching))('%s', (_, queries) => {
  test.each(queries)('%s does not match', (query) => {
    expect(compileSearch(query)(login)).toBe(false)
  })
})

test('a service that is only a tag is still found by service:', () => {
  expect(compileSearch('service:api')({ attributes: {}, tags: ['service:api'] })).toBe(true)
})

const refused: [query: string, position: number, reason: RegExp][] = [
  ['@evt:', 5, /expected a value|needs a value/],
  ['@evt: login', 5, /expected a value|needs a value/],
  ['@evt', 0, /expected a value|needs a value/],
  ['@:x', 0, /not a path/],
  ['@a..b:x', 0, /not a path/],
  ['@evt:login)', 10, /no matching/],
  ['(@evt:login', 0, /not closed/],
  ['()', 1, /expected a term/],
  ['@a:"open', 3, /not closed/],
  ['AND a', 0, /both sides/],
  ['a AND', 5, /expected a term/],
  ['a OR OR b', 5, /both sides/],
  ['a - ', 4, /must be followed by a term/],
  ['(a -)', 4, /must be followed by a term/],
  ['@ip:2001:db8::1', 8, /escaped/],
  ['@a:b=c', 4, /must be escaped/],
  ['@a:-5', 3, /escaped as/],
  ['@a:b\\', 4, /end/],
  ['@a.*:x', 0, /wildcard/],
  ['"a":b', 0, /quoted/],
  ['@a:"b"c', 6, /space/],
  ['foo(bar)', 3, /escaped/],
  ['#latency:5', 0, /calculated/],
  ['@a:“hello”', 3, /typographic/],
  ['hel”lo', 4, /expected a space/],
  ['@a:> 100', 4, /number, a word/],
  ['@a:[TO 5]', 7, /TO/],
  ['@a:[1 to 5]', 6, /expected `TO`/],
  ['@a:b c:', 7, /expected a value|needs a value/],
  ['@a:b & c', 5, /term on both sides/],
  ['@a:{1 TO 2', 3, /not closed/],
  ['CIDR(10.0.0.0/8)', 15, /needs/],
  ['cidr(@ip, 10.0.0.0/8)', 4, /escaped/],
  ['@a:(b', 3, /not closed/],
  ['env:()', 5, /expected a term/],
  ['-', 1, /must be followed by a term/],
  ['NOT', 3, /expected a term/],
  ['@a:#b', 3, /calculated fields/],
  ['@a:b#c', 4, /must be escaped/],
  ['@a:[1 TO 2', 3, /not closed/],
  ['@a:[1 2]', 6, /TO/],
  ['@a:[1 TO b]', 3, /one end/],
  ['@a:>100xs', 4, /not a number/],
  ['@a:[1ms TO b]', 3, /one end/],
  ['>5', 0, /needs a key/],
  ['*:>5', 2, /no order/],
  ['a&&b', 1, /set apart/],
  ['CIDR(@ip)', 8, /at least one block/],
  ['CIDR(@ip, 10.0.0.0)', 10, /not a CIDR/],
  ['CIDR(@ip, 10.0.0.0/33)', 10, /not a CIDR/],
  ['CIDR(@ip, 10.0.0.0/8', 20, /close/],
  ['"***"', 0, /special characters/],
  ['@a:(b:c)', 5, /escaped/],
  [`${'('.repeat(200)}a${')'.repeat(200)}`, 100, /nested/],
]

test.each(refused)('%s is refused at %i', (query, position, reason) => {
  let fault: unknown
  try {
    compileSearch(query)
  } catch (error) {
    fault = error
  }
  expect(fault).toBeInstanceOf(SearchSyntaxError)
  expect(fault).toMatchObject({ position, query, reason: expect.stringMatching(reason) })
})

test.each([...'+-=><!(){}[]^"“”~*?:\\# ', '&&', '||'])(
  'the special character %s is itself when it is escaped or quoted',
  (char) => {
    const escaped = [...char].map((each) => `\\${each}`).join('')
    const log = { attributes: { a: `x${char}y` } }
    const other = { attributes: { a: 'xy' } }
    for (const query of [`@a:x${escaped}y`, `@a:"x${/["\\]/.test(char) ? escaped : char}y"`]) {
      expect(compileSearch(query)(log), query).toBe(true)
      expect(compileSearch(query)(other), query).toBe(false)
    }
    expect(compileSearch(`@a:x${'?'.repeat(char.length)}y`)(log)).toBe(true)
  },
)

test('a sequence of words is found whatever parts them, and only between word boundaries', () => {
  const said = (message: string) => compileSearch('"hello world"')({ message, attributes: {} })
  expect(['hello world', 'Hello, world!', '(hello-world)', 'HELLO\tWORLD'].map(said)).toEqual([true, true, true, true])
  expect(['hello worlds', 'helloworld', 'hello_world', 'world hello'].map(said)).toEqual([false, false, false, false])
})

test('a symbol beyond ASCII is searched as it stands, alone as well', () => {
  for (const query of ['🚨', '"🚨"', '"🚨 SECURITY"', '🚨*']) {
    expect(compileSearch(query)({ message: '🚨 SECURITY ALERT', attributes: {} }), query).toBe(true)
    expect(compileSearch(query)({ message: 'SECURITY ALERT', attributes: {} }), query).toBe(false)
  }
})

test('forms that are not on the documentation page are named with their place', () => {
  expect(parseSearch('@a:1 && _exists_:b').undocumented).toEqual([
    { position: 5, form: '`&&` as an operator' },
    { position: 8, form: '`_exists_`' },
  ])
  expect(parseSearch('“a').undocumented).toEqual([{ position: 0, form: 'a typographic quote, which is ignored' }])
  expect(parseSearch('service:a -@b:(c OR "d") @e:[1 TO 2] CIDR(@f, 10.0.0.0/8)').undocumented).toEqual([])
})

test.each([...Object.values(matching), ...Object.values(notMatching)].flat())(
  '%s prints back to the same tree',
  (query) => {
    const { node } = parseSearch(query)
    expect(parseSearch(printSearch(node)).node).toEqual(node)
  },
)

test('whatever text is searched for exactly finds itself, quoted or escaped', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), fc.boolean(), (text, quoted) => {
      const query = printSearch({
        kind: 'match',
        target: { kind: 'attribute', path: 'a' },
        value: { kind: 'text', text, quoted },
      })
      expect(compileSearch(query)({ attributes: { a: text } })).toBe(true)
      expect(compileSearch(query)({ attributes: { a: `${text}!` } })).toBe(false)
    }),
  )
})

const { node: anyNode } = fc.letrec<{ node: SearchNode; inGroup: SearchNode }>((tie) => {
  const words = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 })
  const spoken = words.filter((text) => /[\p{L}\p{N}]/u.test(text) && !['AND', 'OR', 'NOT'].includes(text))
  const path = fc.array(
    words.filter((text) => !text.includes('.')),
    { minLength: 1, maxLength: 3 },
  )
  const notTags = ['tags', '_exists_', '_missing_', ...RESERVED_NAMES] as string[]
  const field: fc.Arbitrary<Field> = fc.oneof(
    path.map((names) => ({ kind: 'attribute' as const, path: names.join('.') })),
    fc.constantFrom(...RESERVED_NAMES).map((name) => ({ kind: 'reserved' as const, name })),
    words.filter((key) => !notTags.includes(key)).map((key) => ({ kind: 'tag' as const, key })),
    fc.constant({ kind: 'wholeTag' as const }),
  )
  const text = (of: fc.Arbitrary<string>): fc.Arbitrary<Value> =>
    fc.record({ kind: fc.constant('text' as const), text: of, quoted: fc.boolean() })
  const wildcard = fc.constantFrom<PatternPart>({ wildcard: '*' }, { wildcard: '?' })
  const pattern: fc.Arbitrary<Value> = fc
    .tuple(wildcard, words, fc.option(wildcard, { nil: undefined }))
    .map(([first, middle, last]) => ({ kind: 'pattern', parts: [first, { text: middle }, ...(last ? [last] : [])] }))
  const bound: fc.Arbitrary<Bound> = fc
    .oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), words)
    .map((value) => (Object.is(value, -0) ? 0 : value))
  const operator = fc.constantFrom('>' as const, '>=' as const, '<' as const, '<=' as const)
  const ends = { includesLower: fc.boolean(), includesUpper: fc.boolean() }
  const open = fc.constant(undefined)
  const range = (end: fc.Arbitrary<Bound>): fc.Arbitrary<Value> =>
    fc.record({ kind: fc.constant('range' as const), lower: fc.oneof(end, open), upper: fc.oneof(end, open), ...ends })
  const value = fc.oneof(
    text(words),
    pattern,
    fc.constant<Value>({ kind: 'exists' }),
    fc.record({ kind: fc.constant('compare' as const), operator, bound }),
    range(fc.integer()),
    range(words),
  )
  const nested = (of: fc.Arbitrary<SearchNode>): fc.Arbitrary<SearchNode>[] => [
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      nodes: fc.array(of, { minLength: 2, maxLength: 3 }),
    }),
    of.map((node) => ({ kind: 'not', node })),
  ]
  const blocks = fc.array(fc.constantFrom('10.0.0.0/8', '2001:db8::/32'), { minLength: 1, maxLength: 2 })
  const within = (target: Field): fc.Arbitrary<SearchNode> =>
    fc.letrec<{ inner: SearchNode }>((again) => ({
      inner: fc.oneof(
        { maxDepth: 2 },
        value.map((each) => ({ kind: 'match', target, value: each }) as const),
        ...nested(again('inner')),
      ),
    })).inner
  return {
    inGroup: field.chain((target) => within(target).map((node) => ({ kind: 'group' as const, target, node }))),
    node: fc.oneof(
      { maxDepth: 3 },
      fc.record({ kind: fc.constant('match' as const), target: field, value }),
      fc.record({
        kind: fc.constant('match' as const),
        target: fc.constantFrom({ kind: 'message' as const }, { kind: 'everything' as const }),
        value: text(spoken),
      }),
      fc.record({ kind: fc.constant('cidr' as const), target: field, blocks }),
      fc.constant({ kind: 'all' as const }),
      tie('inGroup'),
      ...nested(tie('node')),
    ),
  }
})

test('every tree prints to a search that parses to the same tree', () => {
  fc.assert(
    fc.property(anyNode, (node) => {
      expect(parseSearch(printSearch(node)).node).toEqual(node)
    }),
    { numRuns: 2000 },
  )
})

test.each(['warn', 'warning', 'WARN', '"warning"', '(error OR warn)', 'w*'])(
  'status:%s finds either spelling',
  (query) => {
    const matches = compileSearch(`status:${query}`)
    const found = ['warn', 'warning', 'info', 'emergency'].filter((status) => matches({ ...login, status }))
    expect(found).toEqual(['warn', 'warning'])
  },
)

test('whatever is typed either parses and prints back, or is refused with a position inside it', () => {
  const piece = fc.constantFrom(
    'a',
    ' ',
    '(',
    ')',
    '"',
    ':',
    '@b',
    '*',
    '?',
    '-',
    ' AND ',
    ' OR ',
    'NOT ',
    '[1 TO 2]',
    '>',
    '5',
    '\\',
    '\\:',
    'CIDR(',
    ',',
    '!',
    '&&',
    '{',
    '~',
    '“',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const query = pieces.join('')
      try {
        const { node } = parseSearch(query)
        expect(parseSearch(printSearch(node)).node).toEqual(node)
      } catch (error) {
        expect(error).toBeInstanceOf(SearchSyntaxError)
        const { position } = error as SearchSyntaxError
        expect(position).toBeGreaterThanOrEqual(0)
        expect(position).toBeLessThanOrEqual(query.length)
      }
    }),
    { numRuns: 3000 },
  )
})
