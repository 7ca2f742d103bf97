import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Datadog, startDatadog } from '../lab/datadog/server.ts'
import { type LabHandle, startLab } from '../lab/start/lab.ts'
import { loadSecrets } from '../lab/start/secrets.ts'

/** The whole lab, whose functions send their lines a second way: by themselves, to an intake of their own. */

let lab: LabHandle
let direct: Datadog
let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ato intake '))
  const { DD_API_KEY } = await loadSecrets(dir)
  direct = await startDatadog({ port: 0, apiKey: DD_API_KEY, monitors: [], webhooks: [], variables: {} })
  lab = await startLab({
    ...{ dir, ports: { web: 0, functions: 0, datadog: 0 }, log: () => {} },
    settings: { DD_LOGS_URL: direct.intakeUrl },
  })
}, 60_000)
afterAll(async () => {
  await lab?.stop()
  await direct?.close()
  await rm(dir, { recursive: true, force: true })
})

interface Found {
  timestamp: number
  message?: string
  attributes: { request_id: string; network?: unknown }
}
async function search(datadog: Pick<Datadog, 'url'>, query: string): Promise<Found[]> {
  const answer = await fetch(`${datadog.url}/lab/logs?limit=1000&query=${encodeURIComponent(query)}`)
  return ((await answer.json()) as { logs: Found[] }).logs
}
const failures = 'service:mini-ato-saas env:prod @evt:login @outcome:fail'

/** Nothing tells when a request of another process has arrived: it is asked for, until a deadline. */
async function arrived(query: string, count: number): Promise<Found[]> {
  for (const deadline = Date.now() + 10_000; ; ) {
    const logs = await search(direct, query)
    if (logs.length >= count || Date.now() > deadline) return logs
  }
}

const post = (path: string, email: string, password: string) =>
  fetch(`${lab.urls.functions}/api/auth/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password }),
  })

it('each line arrives once by each path, and no path carries the lines of the other', async () => {
  for (let n = 0; n < 3; n++) await post('login', `${randomUUID()}@example.com`, 'not the right one')
  const own = await arrived(failures, 3)
  await lab.flush()
  const forwarded = await search(lab.datadog, failures)
  const ids = (logs: Found[]) => logs.map(({ attributes }) => attributes.request_id).sort()
  expect(ids(own)).toHaveLength(3)
  expect(ids(forwarded)).toEqual(ids(own))
  expect(new Set(ids(own)).size).toBe(3)
})

it('the lab’s stand-in has put the logs through the pipeline that is imported', async () => {
  const found = await search(lab.datadog, `${failures} @network:* @http.useragent:* @usr.email:*`)
  expect(found).toHaveLength(3)
})

it('lines that wait when functions stop still arrive', async () => {
  // A registration may wait for the interval of two seconds: the end comes first.
  await post('register', 'last@example.com', 'short')
  await lab.functions.stop()
  expect(await arrived('@evt:register @email:last@example.com', 1)).toHaveLength(1)
})
