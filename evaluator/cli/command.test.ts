import { expect, test } from 'vitest'
import { readArguments, UsageError, unknownName } from './command.ts'

const OPTIONS = { dir: { type: 'string' }, json: { type: 'boolean', default: false } } as const

const read = (...args: string[]) => readArguments({ args, allowPositionals: true, options: OPTIONS })

test('usable arguments are read as parseArgs reads them', () => {
  const { values, positionals } = read('one', '--dir', '-', '--json', '--', '--two')
  expect({ values: { ...values }, positionals }).toEqual({
    values: { dir: '-', json: true },
    positionals: ['one', '--two'],
  })
  expect(read('--dir=-x').values.dir).toBe('-x')
})

test.each([
  [['--jsn'], 'Unknown option "--jsn". Did you mean "--json"?'],
  [['-j'], 'Unknown option "-j". Known: --dir, --json, --help.'],
  [['--toString'], 'Unknown option "--toString". Known: --dir, --json, --help.'],
  [['--json=yes'], '--json takes no value: leave out "yes".'],
  [['--dir'], '--dir needs a value: write --dir VALUE.'],
  [['--dir', ''], '--dir needs a value, and this one is empty.'],
  [['--dir= '], '--dir needs a value, and this one is empty.'],
  [['--dir', '--json'], '--dir needs a value. If "--json" is its value, write --dir=--json.'],
])('an argument that the verb does not take is refused with a remedy: %j', (args, message) => {
  expect(() => read(...args)).toThrow(new UsageError(message))
})

test('an unknown name is answered with the nearest known one, or with all if none is near', () => {
  const known = ['session-reuse', 'session-fork', 'otp-replay']
  expect(unknownName('attack', 'sesion-reuse', known)).toBe(
    'Unknown attack "sesion-reuse". Did you mean "session-reuse"?',
  )
  expect(unknownName('attack', 'phishing', known)).toBe(
    'Unknown attack "phishing". Known: session-reuse, session-fork, otp-replay.',
  )
})
