import { randomUUID } from 'node:crypto'
import az from '@azure/functions'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type Functions, startFunctions } from '../testing/functions.ts'
import { containHandler } from './handler.ts'

let functions: Functions
beforeAll(async () => {
  functions = await startFunctions()
})
afterAll(() => functions.close())

const alert = () =>
  new az.HttpRequest({
    method: 'POST',
    url: 'http://localhost/api/contain',
    headers: { 'content-type': 'application/json', 'x-ato-webhook-secret': functions.env.ATO_WEBHOOK_SECRET },
    body: {
      string: JSON.stringify({
        id: randomUUID(),
        alert_id: '1001',
        cycle_key: randomUUID(),
        transition: 'Triggered',
        scope: '*',
        tags: 'detection:telemetry-silence,contain:none',
        date: String(Date.now()),
      }),
    },
  })

it('answers 503 to an alert beyond the limit of alerts under way, and accepts it once they are done', async () => {
  const { contain: deps } = functions.deps
  let letThemGo = () => {}
  const gate = new Promise<void>((resolve) => {
    letThemGo = resolve
  })
  const claim: typeof deps.containments.claim = async (row) => {
    await gate
    return deps.containments.claim(row)
  }
  const handler = containHandler({ ...deps, containments: { ...deps.containments, claim } }, { mostAtOnce: 2 })
  const answer = async () => handler(alert(), new az.InvocationContext({ functionName: 'contain' }))
  const under = [answer(), answer()]
  const from = functions.lines.length
  const refused = await Promise.all(Array.from({ length: 50 }, answer))
  for (const each of refused) expect(each).toMatchObject({ status: 503, headers: { 'retry-after': '2' } })
  const logged = functions.lines.slice(from).filter((line) => line.includes('too many are under way'))
  expect(logged).toHaveLength(1)
  letThemGo()
  expect(await Promise.all(under)).toMatchObject([{ status: 200 }, { status: 200 }])
  expect(await answer()).toMatchObject({ status: 200 })
})

it('writes the row of an alert whose turn does not come, answers 503, and carries it out when it comes again', async () => {
  const { contain: deps } = functions.deps
  let letThemGo = () => {}
  const gate = new Promise<void>((resolve) => {
    letThemGo = resolve
  })
  const claimed: string[] = []
  const containments: typeof deps.containments = {
    ...deps.containments,
    claim(row) {
      claimed.push(row.id)
      return deps.containments.claim(row)
    },
    async revise(...step) {
      await gate
      return deps.containments.revise(...step)
    },
  }
  const handler = containHandler({ ...deps, containments }, { actionsAtOnce: 1 })
  const [first, second] = [alert(), alert()]
  const answer = async (to: az.HttpRequest) => handler(to, new az.InvocationContext({ functionName: 'contain' }))
  const under = answer(first)
  await vi.waitFor(() => expect(claimed).toHaveLength(1))
  const again = second.clone()
  expect(await answer(second)).toMatchObject({ status: 503, headers: { 'retry-after': '2' } })
  const row = await deps.containments.find('telemetry-silence', claimed[1] ?? '')
  expect(row).toMatchObject({ state: 'pending', attempts: 0 })
  letThemGo()
  expect(await under).toMatchObject({ status: 200 })
  expect(await answer(again)).toMatchObject({ status: 200, jsonBody: { state: 'done' } })
})
