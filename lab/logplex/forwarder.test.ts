import { afterEach, expect, test } from 'vitest'
import type { LogShipper } from '../../shared/log-shipper.ts'
import { type Answer, type Receiver, startReceiver } from '../datadog/testing/receiver.ts'
import { createForwarder } from './forwarder.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

interface Started {
  forwarder: LogShipper
  to: Receiver
  logged: string[]
}

async function start(...answers: Answer[]): Promise<Started> {
  const to = await startReceiver(...answers)
  const logged: string[] = []
  const forwarder = createForwarder({
    url: `${to.url}/api/v2/logs`,
    apiKey: 'lab-key',
    service: 'mini-ato-saas',
    ddtags: 'env:prod',
    hostname: 'functions',
    flushMs: 5,
    retryDelaysMs: [1, 1],
    log: (line) => logged.push(line),
  })
  closers.push(
    () => to.close(),
    () => forwarder.close(),
  )
  return { forwarder, to, logged }
}

test('lines are sent together as a JSON array in Azure’s envelope', async () => {
  const { forwarder, to } = await start()
  forwarder.write('{"evt":"login"}')
  forwarder.write('plain "text"\u0000')
  await forwarder.flush()
  expect(to.requests).toHaveLength(1)
  expect(to.requests[0]?.headers).toMatchObject({ 'dd-api-key': 'lab-key', 'content-type': 'application/json' })
  const envelope = { ddsource: 'azure', service: 'mini-ato-saas', ddtags: 'env:prod', hostname: 'functions' }
  expect(JSON.parse(to.requests[0]?.body ?? '')).toEqual([
    { message: '{"evt":"login"}', ...envelope },
    { message: 'plain "text"\u0000', ...envelope },
  ])
})

test('1001 lines are two requests', async () => {
  const { forwarder, to } = await start()
  for (let n = 0; n < 1001; n++) forwarder.write(`${n}`)
  await forwarder.flush()
  expect(to.requests.map(({ body }) => JSON.parse(body).length)).toEqual([1000, 1])
})

test('no request is larger than 5 MB', async () => {
  const { forwarder, to } = await start()
  for (let n = 0; n < 12; n++) forwarder.write('ë'.repeat(250_000))
  await forwarder.flush()
  expect(to.requests.map(({ body }) => Buffer.byteLength(body) <= 5_000_000)).toEqual([true, true])
})

test.each<[Answer]>([[408], [429], [500], ['drop']])('after %s the request is sent again', async (answer) => {
  const { forwarder, to, logged } = await start(answer, answer)
  forwarder.write('a')
  await forwarder.flush()
  expect(to.requests).toHaveLength(3)
  expect(logged).toEqual([])
})

test('a refused request is not repeated, and its loss is logged', async () => {
  const { forwarder, to, logged } = await start(403)
  forwarder.write('a')
  await forwarder.flush()
  expect(to.requests).toHaveLength(1)
  expect(logged).toEqual(['forwarder: 1 lines lost: the intake answered 403'])
})
