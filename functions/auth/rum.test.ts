import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Event } from '../../shared/event.ts'
import { type Functions, PASSWORD, startFunctions } from '../testing/functions.ts'

let functions: Functions
beforeAll(async () => {
  functions = await startFunctions()
})
beforeEach(() => {
  functions.lines.length = 0
})
afterAll(() => functions.close())

const RUM = 'a3c1f0de-5b7a-4c11-8f2e-0d9a6b7c8e1f'
const named = (event: Event) => ('rum_session_id' in event ? [event.evt, event.outcome, event.rum_session_id] : [])

test('the RUM session of a sign-in through web is on its login event, whatever the outcome', async () => {
  const email = `${randomUUID()}@example.com`
  await functions.callFromWeb('register', { email, password: PASSWORD }, { rum: RUM })
  await functions.callFromWeb('confirm', { token: functions.tokenTo(email), password: PASSWORD })
  await functions.callFromWeb('login', { email, password: PASSWORD }, { rum: RUM })
  await functions.callFromWeb('login', { email, password: 'not this one' }, { rum: RUM })
  expect(
    functions
      .events()
      .map(named)
      .filter((found) => found.length > 0),
  ).toEqual([
    ['register', 'pending', RUM],
    ['login', 'success', RUM],
    ['login', 'fail', RUM],
  ])
})

test('a browser without RUM signs in as well', async () => {
  const { email } = await functions.signIn()
  const { status } = await functions.callFromWeb('login', { email, password: PASSWORD })
  expect(status).toBe(200)
  expect(functions.events().flatMap(named)).toEqual([])
})

test.each(['', 'x', `${RUM}\n`, `${RUM}0`, '"}', '../../etc', 'javascript:alert(1)', 'A'.repeat(900)])(
  'a text without the form of a RUM session, such as %j, is not logged',
  async (rum) => {
    const { email } = await functions.signIn()
    functions.lines.length = 0
    expect((await functions.callFromWeb('login', { email, password: PASSWORD }, { rum })).status).toBe(401)
    expect(functions.lines.join('')).not.toContain('rum_session_id')
  },
)

test('only web names a RUM session', async () => {
  const body = { email: 'a@example.com', password: PASSWORD, rum_session_id: RUM }
  expect((await functions.call('login', { body })).status).toBe(400)
  expect(functions.lines.join('')).not.toContain(RUM)
})
