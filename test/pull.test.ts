import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { loadMonitors } from 'alertproof'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createOpenAlerts } from '../functions/sweep/alerts.ts'
import { pullAlerts } from '../functions/sweep/pull.ts'
import { newRun } from '../functions/sweep/run.ts'
import { FIREFOX, type Functions, startFunctions } from '../functions/testing/functions.ts'
import { type Datadog, startDatadog } from '../lab/datadog/server.ts'
import { createForwarder } from '../lab/logplex/forwarder.ts'
import { Secret } from '../shared/secret.ts'

/** Real monitors over real lines of the functions, in an account whose webhook is gone: only asking is left. */

const keys = { apiKey: `lab-${randomUUID()}`, appKey: `lab-${randomUUID()}` }
let datadog: Datadog
let functions: Functions
beforeAll(async () => {
  const monitors = await loadMonitors(join(import.meta.dirname, '../detections'))
  datadog = await startDatadog({ port: 0, ...keys, monitors, webhooks: [], variables: {}, tags: ['env:prod'] })
  functions = await startFunctions({ parts: { fetch: () => Promise.reject(new Error('web is away')) } })
})
afterAll(async () => {
  await functions?.close()
  await datadog?.close()
})

const ask = createOpenAlerts({
  ...{ apiKey: new Secret(keys.apiKey), appKey: new Secret(keys.appKey), now: Date.now },
  get url() {
    return datadog.url
  },
})
async function pull(laterMs = 0) {
  const run = newRun(30_000, undefined)
  await pullAlerts({ ...functions.deps.sweep, openAlerts: ask, now: () => Date.now() + laterMs }, run)
  return run.swept.pulled
}
/** Everything logged since the last time, as the platform hands it on. */
async function forward(): Promise<void> {
  const { url, apiKey } = { url: datadog.intakeUrl, apiKey: keys.apiKey }
  const forwarder = createForwarder({ url, apiKey, service: 'mini-ato-saas', ddtags: '', hostname: 'f', log: () => {} })
  for (const line of functions.lines.splice(0)) forwarder.write(line)
  await forwarder.flush()
  await forwarder.close()
}
const statusOf = async (token: string) => (await functions.call('session', { token })).status

it('without any webhook, the next sweep ends a stolen session and no other', async () => {
  const [victim, bystander] = [await functions.signIn(), await functions.signIn()]
  expect((await functions.call('session', { token: victim.token, userAgent: FIREFOX })).status).toBe(200)
  await forward()
  expect(datadog.alerts.list({ monitor: 'session-reuse' })).toMatchObject([{ scope: `@sid:${victim.sid}` }])
  // Within its first fifteen seconds the alert is left to the webhook.
  expect(await pull()).toBe(0)
  expect(await pull(16_000)).toBe(1)
  expect(await statusOf(victim.token)).toBe(401)
  expect(await statusOf(bystander.token)).toBe(200)
  expect(await pull(16_000)).toBe(0)
})
