import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { parseJson } from '../json.ts'
import { logOfRecord } from '../replay/recording/export-record.ts'
import { compileSearch } from '../search/search.ts'
import { rowsOf } from '../testing/duckdb.ts'
import { searchQuery } from './sql.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sql-'))
  return () => rm(dir, { recursive: true })
})

const date = '2026-01-05T09:00:00Z'
const values: readonly unknown[] = [
  ...[
    'login',
    'Login',
    'log in',
    'x.login.y',
    '401',
    '401.0',
    '0401',
    '1e3',
    '-5',
    '20ms',
    'true',
    'null',
    '',
    ' ',
    'ÉCOLE',
    'école',
    'a/b',
    'a~b',
  ],
  ...[
    '2001:db8::1',
    '::ffff:203.0.113.9',
    '203.0.113.9',
    '203.0.113.300',
    '203.0.113.09',
    '::',
    '1:2:3:4:5:6:7:8',
    'fe80::1:2',
    '[x]',
    '{x}',
    '"q"',
  ],
  ...[
    '9007199254740993',
    '9007199254740992',
    '99999999999999999999999',
    'line\nbreak',
    'tab\tinside',
    'back\\slash',
    '😀 face',
    'Kelvin',
    'ſtrasse',
  ],
  ...[401, 401.5, 0, -0, -5, 1e3, 1e21, 1e-7, 0.1, 123456789012345680, 9007199254740991, 20_000_000, true, false, null],
  ...[[], [null], ['login', 401], [['deep', [401]], null], { login: 1 }, [{ id: 'u1' }, { id: 401 }], {}],
]
/** Numbers that a double would change. */
const raw = [
  '9007199254740993',
  '9007199254740992',
  '-9007199254740993',
  '123456789012345678901234567890',
  '1.0',
  '-0',
  '-0.0',
  '1E400',
  '1e2',
  '401.000',
]

const events: readonly string[] = [
  ...values.map((a) => JSON.stringify({ timestamp: date, a })),
  ...raw.map((token) => `{"timestamp":"${date}","a":${token}}`),
  ...values.slice(0, 30).map((message) => JSON.stringify({ timestamp: date, message })),
  ...[
    { message: 'Hello, world' },
    { message: 'hello-world again' },
    { message: 'helloworld' },
    { message: '{"a":"login","b":{"c":"inner"},"service":"merged","message":"said inside"}', a: 'outer', b: { d: 1 } },
    { message: '{"a":null}', a: 'outer' },
    { message: ' {"a":"spaced"}' },
    { message: '{"a": broken', a: 'outer' },
    { message: { a: 'object', status: 'error', ddtags: 'team:blue' } },
    { message: `${'{"a":'.repeat(25)}1${'}'.repeat(25)}`, a: 'outer' },
    { message: `${'{"a":'.repeat(20)}1${'}'.repeat(20)}`, a: 'outer' },
    { message: ['login', 1] },
    { message: 401 },
    { title: 'login failed', error: { message: 'timeout', stack: 'at login' } },
    { 'error.message': 'dotted login' },
    { usr: { id: 'u1', name: { first: 'Ann' } } },
    { 'usr.id': 'u2' },
    { usr: [{ id: 'u3' }, [{ id: 'u4' }]] },
    { usr: { id: 'u1' }, 'usr.id': 'u2' },
    { usr: 'text', 'usr.name': { first: 'Bea' } },
    { service: 'shop', env: 'prod', host: 'web-1' },
    { service: 'Shop', env: 'PROD', ddtags: 'team:red, env:other ,solo' },
    { ddtags: ['service:tagged', 'Team:Red'], env: 5 },
    { hostname: 'web-2', syslog: { appname: 'nginx', severity: 3 } },
    { 'syslog.appname': 'dotted', level: 'WARN' },
    { status: 'warning' },
    { status: 'emerg' },
    { status: 4, severity: 'debug' },
    { severity: 'critical' },
    { ddsource: 'nginx' },
    { service: null, 'syslog.appname': 'fallback' },
    { service: { deep: 1 } },
    { trace_id: '123' },
    { dd: { trace_id: 123 } },
    { ddtags: 'trace_id:123,status:error,host:web-1' },
    { duration: 30_000_000 },
    { duration: '30000000' },
    { nested: { list: [{ text: 'needle here' }], n: 401 } },
    { evt: 'login', outcome: 'fail' },
    { '0': 'zero', 'a"b': 'quote', 'a/b': 'slash' },
  ].map((event) => JSON.stringify({ timestamp: date, ...event })),
]
const records = [
  {
    message: 'Hello, world',
    service: 'shop',
    status: 'warn',
    host: 'web-1',
    tags: ['env:prod', 'Team:Red', 5],
    attributes: { a: 'login', usr: { id: 'u1' } },
  },
  { message: '{"a":"login"}', service: 5, tags: 'env:prod', attributes: { a: 401, message: 'login', status: 'error' } },
  { attributes: { a: ['login', 9], 'usr.id': 'u2', ddtags: 'env:prod', title: 'login' } },
].map((record, i) => JSON.stringify({ _id: `id${i}`, date, ...record }))

/** Two blanks stand between any two. */
const searches = String.raw`
*  login  "log in"  Login  log*  *gin  l?gin  *og*  école  "hello world"  hello  world  -login  needle  401  face
@a:login  @a:LOGIN  -@a:login  @a:*  -@a:*  @a:log*  @a:*g*n  @a:l?gin  @a:"log in"  @a:401  @a:401.0  @a:401.5  @a:"401"
@a:1000  @a:1e3  @a:100  @a:0  @a:\-5  @a:true  @a:false  @a:null  @a:""  @a:1  @a:0.1  @a:9007199254740993
@a:9007199254740992  @a:\-9007199254740993  @a:123456789012345678901234567890  @a:123456789012345680  @a:90071992547409*
@a:*0  @a:1*  @a:4??  @a:>400  @a:>=401  @a:<0  @a:<=0  @a:>9007199254740992  @a:>=9007199254740993  @a:<9007199254740993
@a:<=-9007199254740993  @a:>1e20  @a:>0.05  @a:>1e300  @a:<1e40  @a:[0 TO 401]  @a:{0 TO 401}  @a:[* TO 5]  @a:[5 TO *]
@a:[* TO *]  @a:["a" TO "m"]  @a:>"login"  @a:<="LOG"  @a:>20ms  @duration:>20ms  @duration:<=30ms  @a:>1kb
CIDR(@a, 203.0.113.0/24)  CIDR(@a, 2001:db8::/32)  CIDR(@a, ::/0)  CIDR(@a, 0.0.0.0/0)  CIDR(@a, fe80::/10, 203.0.113.9/32)
CIDR(@a, 1:2:3:4:5:6:7:8/128)  -CIDR(@a, 203.0.113.8/29)  CIDR(@a, ::ffff:203.0.113.0/120)  CIDR(@a, 2001:db8:0:0::1/128)
@usr.id:u1  @usr.id:*  @usr.id:(u2 OR u3)  @usr.id:u4  @usr.name.first:Ann  @usr.name.first:Bea  @usr:*  @b.c:inner  @b.d:1
@b:*  @error.message:*login*  @a.login:1  @a.id:401  @a.0:login  service:shop  service:SHOP  service:merged  service:tagged
service:nginx  service:dotted  service:fallback  service:*  -service:*  service:5  service:s*  env:prod  env:PROD  env:other
env:p*  -env:prod  team:red  team:(red OR blue)  Team:Blue  tags:solo  tags:"team:red"  env:*  env:>"a"  solo:*
status:warn  status:warning  status:WARN  status:emerg  status:emergency  status:error  status:info
status:(error OR critical)  status:w*  status:>"e"  status:debug  host:web-1  host:web*  source:nginx  trace_id:123
trace_id:*  message:hello  message:"said inside"  message:*  message:>"h"  message:h*  @message:*  @ddtags:*  @status:error
*:needle  *:login  *:401  *:"said inside"  *:shop  *:u4  *:timeout  *:team  -*:login  *:*eedle*  *:123  *:warning
@evt:login -@outcome:success  @evt:login AND (@outcome:fail OR service:shop)  NOT (@a:login OR @a:401)
@a:(login OR 401) -@a:deep  @a:\[x\]  @a:"[x]"  @a:"{x}"  @a:"\"q\""  @a:back\\slash  @a\"b:quote  @a\/b:slash  @0:zero
`
  .split(/ {2,}|\n/)
  .filter((search) => search !== '')
  .concat('@a:"line\nbreak"', '@a:"tab\tinside"', '@a:l*k')

/** DuckDB takes the longer to plan a query, the more it has to answer. */
const AT_ONCE = 16

test.each(['jsonl', 'archive', undefined] as const)(
  'each search finds the same lines as the evaluator: %s',
  { timeout: 120_000 },
  async (format) => {
    const lines = format === 'jsonl' ? events : format === 'archive' ? records : [...events, ...records]
    const file = join(dir, 'log.jsonl')
    await writeFile(file, `${lines.join('\n')}\n{"timestamp": broken\n[1]\n`)
    expect(searches.length).toBeGreaterThan(150)
    const logs = lines.map((line) => logOfRecord(parseJson(line) as Record<string, unknown>))
    const differences: string[] = []
    for (let from = 0; from < searches.length; from += AT_ONCE) {
      const some = searches.slice(from, from + AT_ONCE)
      const rows = await rowsOf(searchQuery(some, { from: [file], format }))
      expect(rows).toHaveLength(lines.length)
      for (const [i, query] of some.entries()) {
        const matches = compileSearch(query)
        for (const [at, log] of logs.entries()) {
          const found = rows[at]?.[`s${i}`]
          if (matches(log) !== found) differences.push(`${query} over ${lines[at]}: ${found}`)
        }
      }
    }
    expect(differences).toEqual([])
  },
)
