import { expect, test } from 'vitest'
import { newTotpSecret, stepOfCode } from '../../../functions/auth/totp.ts'
import { createAuthenticator } from './authenticator.ts'

const MINUTE = 60_000
const signal = new AbortController().signal
const fullMinute = Date.UTC(2026, 0, 5, 9, 0, 0)

test.each([0, 1, 15_000, 20_000, 29_999])('three new codes in a row are accepted %i ms into a step', async (ms) => {
  const now = fullMinute + ms
  const secret = newTotpSecret()
  const phone = createAuthenticator(secret, signal, () => now)
  const three = ms < 20_000 ? 3 : 2
  const steps: (number | undefined)[] = []
  for (let i = 0; i < three; i++) steps.push(await stepOfCode(secret, await phone.next(), now))
  const [first = 0] = steps
  expect(steps).toEqual(Array.from({ length: three }, (_, i) => first + i))
})

test('a code beyond the next step is held back until the service accepts it', async () => {
  const secret = newTotpSecret()
  const begun = Date.now()
  const now = () => fullMinute + 29_700 + (Date.now() - begun)
  const phone = createAuthenticator(secret, AbortSignal.timeout(5_000), now)
  for (let i = 0; i < 3; i++) expect(await stepOfCode(secret, await phone.next(), now())).toBeDefined()
  expect(now()).toBeGreaterThanOrEqual(fullMinute + 30_000)
})

test('a phone may be wrong by one step, but not by two minutes', async () => {
  const secret = newTotpSecret()
  const phone = createAuthenticator(secret, signal, () => fullMinute)
  expect(await stepOfCode(secret, await phone.shown(), fullMinute)).toBeDefined()
  expect(await stepOfCode(secret, await phone.shown(-30), fullMinute)).toBeDefined()
  expect(await stepOfCode(secret, await phone.shown(-(2 * MINUTE) / 1000), fullMinute)).toBeUndefined()
})
