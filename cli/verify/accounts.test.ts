import { UsageError } from 'alertproof/cli'
import { expect, test } from 'vitest'
import { readAccounts } from './accounts.ts'

const ANNA = { email: 'anna@example.com', password: 'canary one' }
const BEN = { email: 'ben@example.com', password: 'canary two' }

test.each([
  ['a JSON list', JSON.stringify([ANNA, BEN])],
  ['a JSON list in lines', JSON.stringify([ANNA, BEN], null, 2)],
  ['JSON lines', `${JSON.stringify(ANNA)}\n\n${JSON.stringify(BEN)}\n`],
  ['JSON lines as Windows writes them', `\uFEFF${JSON.stringify(ANNA)}\r\n${JSON.stringify(BEN)}\r\n`],
])('accounts are read from %s', (_, text) => {
  expect(readAccounts(text, 'file')).toEqual([ANNA, BEN])
})

test.each([
  ['', 'file holds no account'],
  ['[]', 'file holds no account'],
  ['[{"canary"', 'file is not JSON'],
  [`${JSON.stringify(ANNA)}\ncanary`, 'file, line 2: is not JSON'],
  [
    JSON.stringify([ANNA, { email: 'canary' }]),
    'file, account 2: must be {"email", "password"}; wrong: email, password',
  ],
  ['"canary"', 'file, line 1: must be {"email", "password"}; wrong: the entry'],
  [JSON.stringify([ANNA, { ...BEN, name: 'canary' }]), 'file, account 2: must be'],
  [
    JSON.stringify([ANNA, BEN, { ...ANNA, email: 'Anna@Example.com' }]),
    'file: account 3 repeats the email of an earlier one',
  ],
])('%s is a usage error that names the entry without its values', (text, message) => {
  const read = () => readAccounts(text, 'file')
  expect(read).toThrow(UsageError)
  expect(read).toThrow(message)
  expect(read).not.toThrow('canary')
})
