import { type Delivery, parseWebhook, type Webhook } from 'alertproof/notify'
import { afterEach, describe, expect, test } from 'vitest'
import { type Answer, type Receiver, startReceiver } from './testing/receiver.ts'
import { WebhookQueue } from './webhook-queue.ts'

const VALUES = {
  own: { ID: '17', ALERT_SCOPE: '@ip:203.0.113.9', ALERT_TRANSITION: 'Triggered' },
  tags: ['contain:ip', '@ip:203.0.113.9'],
  custom: { FUNCTIONS_ORIGIN: 'http://localhost:1', WEBHOOK_SECRET: 'lab-secret', ID: 'mine' },
}

const WEBHOOK_FILE = {
  name: 'ato-contain',
  url: '$FUNCTIONS_ORIGIN/api/contain',
  payload: '{"id":"$ID","scope":"$ALERT_SCOPE"}',
  custom_headers: '{"X-ATO-Webhook-Secret":"$WEBHOOK_SECRET"}',
  encode_as: 'json',
}

const parsed = (changed: object = {}) => parseWebhook(JSON.stringify({ ...WEBHOOK_FILE, ...changed }), 'webhook.json')

describe('a delivery', () => {
  const closers: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })

  async function deliver(...answers: Answer[]): Promise<{ delivery: Delivery; to: Receiver }> {
    const to = await startReceiver(...answers)
    closers.push(() => to.close())
    const delivery = await send({ ...parsed(), url: to.url })
    return { delivery, to }
  }

  function send(webhook: Webhook, timeoutMs = 400): Promise<Delivery> {
    return new Promise((ended) => {
      const queue = new WebhookQueue(webhook, { retrySpacingMs: [1, 1, 1, 1, 1], timeoutMs })
      closers.push(() => queue.close())
      queue.send(VALUES, ended)
    })
  }

  test('answered with 2xx ends after one attempt, and its answer is kept', async () => {
    const { delivery, to } = await deliver(200)
    expect(delivery).toMatchObject({ state: 'delivered', status: 200, attempts: 1, answer: 'answer 200' })
    expect(to.requests[0]).toMatchObject({ method: 'POST', headers: { 'x-ato-webhook-secret': 'lab-secret' } })
  })

  test.each<[Answer]>([[400], [404], [429], [302]])('answered with %s is final', async (answer) => {
    const { delivery, to } = await deliver(answer)
    expect(delivery).toMatchObject({ state: 'refused', status: answer, attempts: 1 })
    expect(to.requests).toHaveLength(1)
  })

  test.each<[Answer]>([[500], [503], ['drop'], ['hang']])('answered by %s is retried', async (answer) => {
    const { delivery, to } = await deliver(answer, answer, 202)
    expect(delivery).toMatchObject({ state: 'delivered', status: 202, attempts: 3 })
    expect(delivery).not.toHaveProperty('error')
    expect(new Set(to.requests.map(({ body }) => body)).size).toBe(1)
  })

  test('fails after five retries', async () => {
    const { delivery, to } = await deliver(500, 500, 500, 500, 500, 500)
    expect(delivery).toMatchObject({ state: 'failed', status: 500, attempts: 6 })
    expect(to.requests).toHaveLength(6)
  })

  test('to a closed port fails with the reason', async () => {
    const gone = await startReceiver()
    await gone.close()
    expect(await send({ ...parsed(), url: gone.url })).toMatchObject({
      state: 'failed',
      attempts: 6,
      error: expect.stringContaining('ECONNREFUSED'),
    })
  })

  test.each([
    ['an invalid URL', { url: 'nowhere' }],
    ['a header that HTTP cannot carry', { url: 'http://localhost:1', headers: { 'X-Title': 'a\nb' } }],
  ])('to %s fails at once', async (_, changed) => {
    expect(await send({ ...parsed(), ...changed })).toMatchObject({ state: 'failed', attempts: 1 })
  })

  test('does not wait for another delivery that hangs', async () => {
    const to = await startReceiver('hang')
    const order: Delivery[] = []
    const done = new Promise<void>((resolve) => {
      const queue = new WebhookQueue({ ...parsed(), url: to.url })
      closers.push(
        () => to.close(),
        () => queue.close(),
      )
      const ended = (delivery: Delivery) => {
        order.push(delivery)
        resolve()
      }
      queue.send(VALUES, ended)
      queue.send(VALUES, ended)
    })
    await done
    expect(order).toMatchObject([{ state: 'delivered' }])
  })
})
