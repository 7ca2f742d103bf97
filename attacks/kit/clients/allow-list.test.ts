import { expect, test } from 'vitest'
import { allowedHosts, allowedOrigin, TargetRefused } from './allow-list.ts'

test.each([
  ['http://localhost:8000', 'http://localhost:8000'],
  ['http://127.0.0.1:7071/', 'http://127.0.0.1:7071'],
  ['http://127.8.9.10', 'http://127.8.9.10'],
  ['http://[::1]:8000', 'http://[::1]:8000'],
  ['https://LOCALHOST', 'https://localhost'],
])('%s is this machine', (url, origin) => {
  expect(allowedOrigin(url, [])).toBe(origin)
})

test.each([
  'https://app.example.com',
  'http://localhost.example.com',
  'http://127.0.0.1.example.com',
  'http://0.0.0.0:8000',
  'http://192.168.1.10',
  'http://[::ffff:203.0.113.9]',
  'http://localhost@app.example.com',
  'http://user:word@localhost',
  'http://localhost/path',
  'http://localhost/?query',
  'ftp://localhost',
  'localhost:8000',
  '',
])('%j is refused', (url) => {
  expect(() => allowedOrigin(url, [])).toThrow(TargetRefused)
})

test('a refusal says how to allow the host; allowing a host does not allow its subdomains', () => {
  expect(() => allowedOrigin('https://app.example.com', ['example.com'])).toThrow('--allow-host app.example.com')
  expect(allowedOrigin('https://app.example.com', ['App.Example.com'])).toBe('https://app.example.com')
})

test('hosts come from the option and from the environment, without blanks', () => {
  expect(allowedHosts(['a.example'], ' b.example, ,c.example')).toEqual(['a.example', 'b.example', 'c.example'])
  expect(allowedHosts([], undefined)).toEqual([])
})
