import { readImportable } from 'alertproof'
import { parseWebhook, type SignalReport } from 'alertproof/notify'
import { readImportableRule } from 'alertproof/siem'
import { afterEach, expect, test } from 'vitest'
import { type Datadog, startDatadog } from './server.ts'
import { startReceiver } from './testing/receiver.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const search = 'service:app @evt:login @outcome:fail'
const ruleJson = {
  name: 'Stuffing',
  type: 'log_detection',
  isEnabled: true,
  message: 'Many sign-ins from {{@ip}} failed, the last for {{@email}}',
  queries: [{ name: 'failed', query: search, aggregation: 'count', groupByFields: ['@ip'] }],
  cases: [
    { name: 'many', status: 'high', condition: 'failed > 4', notifications: ['@webhook-signals', '@webhook-nobody'] },
    { name: 'some', status: 'low', condition: 'failed > 2', notifications: ['@webhook-signals'] },
  ],
  options: { detectionMethod: 'threshold', evaluationWindow: 60, keepAlive: 60, maxSignalDuration: 60 },
  tags: ['contain:ip'],
}
const monitorJson = {
  name: 'Stuffing',
  type: 'log alert',
  query: `logs("${search}").index("*").rollup("count").by("@ip").last("5m") > 2`,
  message: '',
  tags: [],
  options: { thresholds: { critical: 2 }, new_group_delay: 0, on_missing_data: 'resolve' },
}
const rule = (over: object = {}) =>
  readImportableRule(JSON.stringify({ ...ruleJson, ...over }), 'detections/stuffing/siem.json')
const payload =
  '{"id":"$SECURITY_SIGNAL_ID","severity":"$SECURITY_SIGNAL_SEVERITY","rule":"$SECURITY_RULE_NAME","by":$SECURITY_RULE_GROUP_BY_FIELDS,"scope":"$ALERT_SCOPE","date":"$DATE"}'

async function start(options: { cadenceSeconds?: number; rules?: ReturnType<typeof rule>[] } = {}) {
  const receiver = await startReceiver()
  closers.push(() => receiver.close())
  const webhook = { name: 'signals', url: '$RECEIVER/api/contain', payload }
  const datadog = await startDatadog({
    port: 0,
    apiKey: 'lab-key',
    monitors: [readImportable(JSON.stringify(monitorJson), 'detections/stuffing/monitor.json')],
    rules: [rule()],
    webhooks: [parseWebhook(JSON.stringify(webhook), 'siem-webhook.json')],
    variables: { RECEIVER: receiver.url },
    ...options,
  })
  closers.push(() => datadog.close())
  return { datadog, receiver }
}

const fail = (datadog: Datadog, count: number, ago = 0) =>
  fetch(datadog.intakeUrl, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'DD-API-KEY': 'lab-key' },
    body: JSON.stringify(
      Array.from({ length: count }, () => ({
        service: 'app',
        message: JSON.stringify({
          timestamp: new Date(Date.now() - ago).toISOString(),
          ...{ evt: 'login', outcome: 'fail', ip: '203.0.113.9', email: 'ada@example.com' },
        }),
      })),
    ),
  })
const signalsOf = async ({ url }: Datadog, query = ''): Promise<SignalReport[]> => {
  const { signals } = (await (await fetch(`${url}/lab/signals${query}`)).json()) as { signals: SignalReport[] }
  return signals
}

test('a signal opens and rises at the event, also where monitors wait for their minute, and its webhook has the names of a signal', async () => {
  const { datadog, receiver } = await start({ cadenceSeconds: 3600 })
  await fail(datadog, 3)
  await fail(datadog, 3)
  const requests = await receiver.received(2)
  const [opened, raised] = requests.map(({ body }) => JSON.parse(body))
  expect(opened).toMatchObject({ severity: 'low', rule: 'Stuffing', by: { '@ip': '203.0.113.9' }, scope: '' })
  expect(raised).toMatchObject({ id: opened.id, severity: 'high' })
  const signals = await signalsOf(datadog)
  expect(signals).toMatchObject([
    { id: 1, rule: 'stuffing', transition: 'Triggered', severity: 'low', case: 'some', value: 3, signal_id: opened.id },
    { id: 2, transition: 'Raised', severity: 'high', case: 'many', value: 5, unknown_webhooks: ['nobody'] },
  ])
  expect(signals[0]).toMatchObject({
    ...{ title: 'Stuffing - some', message: 'Many sign-ins from 203.0.113.9 failed, the last for ada@example.com' },
    at: new Date(Number(opened.date)).toISOString(),
    deliveries: [{ webhook: 'signals', state: 'delivered' }],
  })
  expect(signals[0]?.sample).toHaveLength(3)
  expect(datadog.alerts.list()).toEqual([])
})

test('signals are listed by rule and by time, and the open ones with their rule', async () => {
  const { datadog } = await start()
  await fail(datadog, 3)
  expect(await signalsOf(datadog, '?rule=stuffing&since=0')).toHaveLength(1)
  expect(await signalsOf(datadog, '?rule=other')).toEqual([])
  expect(await signalsOf(datadog, `?since=${Date.now() + 60_000}`)).toEqual([])
  expect((await fetch(`${datadog.url}/lab/signals?since=soon`)).status).toBe(400)
  expect(await (await fetch(`${datadog.url}/lab/rules`)).json()).toMatchObject({
    rules: [{ rule: 'stuffing', enabled: true, open: [{ severity: 'low', group: { '@ip': '203.0.113.9' } }] }],
  })
})

test('a signal closes without a notification, by its own time', async () => {
  const { datadog, receiver } = await start()
  const closed = new Promise((resolve) => {
    datadog.signals.subscribe((event) => {
      if (event.kind === 'signal' && event.signal.transition === 'Closed') resolve(event.signal)
    })
  })
  await fail(datadog, 3, 59_500)
  expect(await closed).toMatchObject({ rule: 'stuffing', deliveries: [], severity: 'low' })
  expect(datadog.signals.open('stuffing')).toEqual([])
  expect(await receiver.received(1)).toHaveLength(1)
})

test('the stream has alerts and signals in one order, also the missed ones', async () => {
  const { datadog } = await start()
  await fail(datadog, 3)
  const response = await fetch(`${datadog.url}/lab/stream?after=0`)
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString()
    if (text.includes('id: 2\n')) break
  }
  expect(text).toMatch(/event: alert\nid: 1\n[\s\S]*event: signal\nid: 2\ndata: \{.*"rule":"stuffing"/)
})

test('a rule that is not enabled is not evaluated', async () => {
  const { datadog } = await start({ rules: [{ ...rule(), isEnabled: false }] })
  await fail(datadog, 3)
  expect(await signalsOf(datadog)).toEqual([])
})

test('a rule whose message cannot be read is named, and the port is free again', async () => {
  await expect(start({ rules: [rule({ message: '{{#if @x}}' })] })).rejects.toThrow('detections/stuffing/siem.json')
})
