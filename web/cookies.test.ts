import express from 'express'
import { expect, test } from 'vitest'
import { portOf } from '../test/port-of.ts'
import { createCookies, readCookie } from './cookies.ts'

test.each([
  ['session=abc', 'session', 'abc'],
  ['a=1; session=abc; b=2', 'session', 'abc'],
  ['mysession=abc', 'session', undefined],
  ['session', 'session', undefined],
  ['session=', 'session', undefined],
  ['session=a=b', 'session', 'a=b'],
  ['session=first; session=second', 'session', 'first'],
  ['__Host-session=abc', 'session', undefined],
  [`session=${'x'.repeat(4097)}`, 'session', undefined],
  [undefined, 'session', undefined],
])('of %j the cookie %s is %j', (header, name, value) => {
  expect(readCookie(header, name)).toBe(value)
})

async function setCookies(webOrigin: string): Promise<string[]> {
  const app = express()
  const cookies = createCookies(webOrigin)
  app.get('/', (_request, response) => {
    cookies.set(response, 'session', 'token.of.three-parts')
    cookies.set(response, 'mfa', 'pending', 600)
    cookies.clear(response, 'session')
    response.end()
  })
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  try {
    const port = portOf(server)
    return (await fetch(`http://127.0.0.1:${port}/`)).headers.getSetCookie()
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
}

test('a session cookie is __Host-, Secure, HttpOnly, SameSite, for every path and until the browser is closed', async () => {
  const [session] = await setCookies('https://app.example.com')
  expect(session).toBe('__Host-session=token.of.three-parts; Path=/; HttpOnly; Secure; SameSite=Lax')
})

test('the pending sign-in is forgotten after ten minutes, a cleared cookie at once', async () => {
  const [, mfa, cleared] = await setCookies('https://app.example.com')
  expect(mfa).toMatch(/^__Host-mfa=pending; Max-Age=600; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Lax$/)
  expect(cleared).toMatch(/^__Host-session=; Max-Age=0; Path=\/;/)
})

test('a lab on plain http has a plain name and no Secure, because browsers would drop the cookie', async () => {
  const [session] = await setCookies('http://localhost:8000')
  expect(session).toBe('session=token.of.three-parts; Path=/; HttpOnly; SameSite=Lax')
})
