import { once } from 'node:events'
import { createServer } from 'node:http'
import { expect, test } from 'vitest'
import { portOf } from '../../../test/port-of.ts'
import { attackBySlug } from '../../index.ts'
import { freshAddresses } from '../addresses.ts'
import { createAttackContext, createContext } from '../context.ts'
import { AccountsMissing, ReadyAccounts } from './ready-accounts.ts'

const account = (name: string, password: string) => ({ email: `${name}@example.com`, password })
const ready = (accounts: ReturnType<typeof account>[], needed = 1) => new ReadyAccounts(accounts, () => needed)

test('an existing account replaces the invented one from its registration on', () => {
  const accounts = ready([account('ready', 'ready password')])
  const invented = account('invented', 'invented password')
  expect(accounts.translate(invented)).toEqual(invented)
  accounts.take(invented)
  accounts.take({ ...invented, email: invented.email.toUpperCase() })
  expect(accounts.translate(invented)).toEqual(account('ready', 'ready password'))
  expect(accounts.translate({ ...invented, password: 'invented passwrod' }).password).toBe('invented passwrod')
  expect(accounts.translate(account('nobody', 'another'))).toEqual(account('nobody', 'another'))
})

test('invented accounts that share a password get existing ones that share a password, in any order', () => {
  const accounts = ready([account('a', 'alone'), account('b', 'same'), account('c', 'same')], 3)
  for (const name of ['x', 'y']) accounts.take(account(name, 'Summer'))
  accounts.take(account('z', 'own'))
  const used = ['x', 'y'].map((name) => accounts.translate(account(name, 'Summer')))
  expect(used).toEqual([account('b', 'same'), account('c', 'same')])
  expect(accounts.translate(account('nobody', 'Summer')).password).toBe('same')
  expect(accounts.translate(account('z', 'own'))).toEqual(account('a', 'alone'))
})

test('different passwords stay different while the file allows it', () => {
  const accounts = ready([account('a', 'same'), account('b', 'same'), account('c', 'alone')], 3)
  const passwordOf = (name: string) => {
    accounts.take(account(name, `of ${name}`))
    return accounts.translate(account(name, `of ${name}`)).password
  }
  expect(['x', 'y', 'z'].map(passwordOf)).toEqual(['same', 'alone', 'same'])
})

test.each([
  [[], 1, 'This needs 1 existing account. Give a file of them: --accounts FILE.'],
  [[], 9, 'This needs 9 existing accounts. Give a file of them: --accounts FILE.'],
  [[account('a', 'x')], 2, 'This needs 2 existing accounts; the file of --accounts has 1.'],
])('too few are a usage error that says how many: %j for %i', (given, needed, message) => {
  const take = () => ready(given, needed).take(account('x', 'y'))
  expect(take).toThrow(AccountsMissing)
  expect(take).toThrow(message)
})

test('password spraying works with accounts that share no password', () => {
  const accounts = ready([account('a', 'one'), account('b', 'other')], 2)
  accounts.take(account('x', 'Summer'))
  expect(() => accounts.take(account('y', 'Summer'))).toThrow(
    'more than 1 of them with the same password; the file of --accounts has 1.',
  )
})

test.each(['credential-stuffing', 'password-spraying'])(
  '%s says how many it needs in all, before anything is sent',
  async (slug) => {
    let requests = 0
    const server = createServer((_request, response) => {
      requests++
      response.end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const target = { kind: 'functions', baseUrl: `http://127.0.0.1:${portOf(server)}` } as const
    const tell = () => {}
    const context = createContext({
      target,
      runId: 'r-1',
      seed: 1,
      addresses: freshAddresses(async () => false),
      tell,
      accounts: [account('a', 'x')],
      signal: new AbortController().signal,
    })
    const alarm = {
      heard: async () => 'unheard' as const,
      contained: async () => undefined,
      quietPauseMs: 1,
      patienceMs: 1,
    }
    const running = attackBySlug(slug)?.attack(target, createAttackContext(context, tell, alarm))
    await expect(running).rejects.toThrow(/^This needs \d+ existing accounts; the file of --accounts has 1\.$/)
    server.close()
    expect(requests).toBe(0)
  },
)
