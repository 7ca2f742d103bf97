import { expect, test } from 'vitest'
import { parseSearch } from './search.ts'
import { slipsIn } from './slips.ts'

const slips = (query: string) =>
  slipsIn(parseSearch(query).node).map(({ term, suggestion }) => `${term} → ${suggestion}`)

test.each([
  ['@a:1 and @b:2', ['and → AND']],
  ['a or b', ['or → OR']],
  ['not a', ['not → NOT']],
  ['@ip:10.0.0.0/8', ['@ip:10.0.0.0/8 → CIDR(@ip, 10.0.0.0/8)']],
  ['-@ip:"10.0.0.0/8"', ['@ip:"10.0.0.0/8" → CIDR(@ip, 10.0.0.0/8)']],
  ['(error|fatal) service:x', ['error\\|fatal → (error OR fatal)']],
  ['@level:(error|fatal)', ['@level:error\\|fatal → (@level:error OR @level:fatal)']],
  ['-@path:/a*|*b', ['@path:/a*\\|*b → (@path:/a* OR @path:*b)']],
  ['@ip:(203.0.113.0/24 OR 2001\\:db8\\:\\:/32)', ['@ip:203.0.113.0/24', '@ip:2001\\:db8\\:\\:/32']],
])('%s comes from another language of search', (query, found) => {
  expect(slips(query)).toEqual(found.map((each) => expect.stringContaining(each)))
})

test.each([
  '@a:1 AND @b:2',
  '"and"',
  'message:and',
  '@path:/a/8',
  '@ip:10.0.0.1',
  'CIDR(@ip, 10.0.0.0/8)',
  'oregon',
  '"a|b"',
  'a|',
])('%s does not', (query) => {
  expect(slips(query)).toEqual([])
})
