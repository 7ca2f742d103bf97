import { parseWebhook } from 'alertproof/notify'
import type { DatadogOptions } from '../../datadog/server.ts'
import { type Datadog, startDatadog } from '../../datadog/server.ts'
import { type Answer, type Receiver, startReceiver } from '../../datadog/testing/receiver.ts'
import type { ConsoleOptions } from '../console.ts'
import { streamed } from './streamed.ts'

/** A stand-in with a console and a receiver of its webhooks. */
export interface StandIn {
  readonly datadog: Datadog
  readonly receiver: Receiver
  get<T>(path: string): Promise<T>
  send(method: 'POST' | 'DELETE', path: string, body?: unknown): Promise<{ status: number; body: unknown }>
  /** Submits logs as the functions do. */
  submit(...events: readonly object[]): Promise<void>
  /** Reads events of the stream from now on, until one fits. */
  read<T>(event: string, fits?: (data: T) => boolean): Promise<{ readonly found: Promise<T> }>
  close(): Promise<void>
}

const payload = '{"id":"$ID","transition":"$ALERT_TRANSITION","scope":"$ALERT_SCOPE"}'

export async function startStandIn(
  options: Partial<DatadogOptions> & Pick<DatadogOptions, 'monitors'>,
  { answers = [], console = {} }: { answers?: readonly Answer[]; console?: Partial<ConsoleOptions> } = {},
): Promise<StandIn> {
  const receiver = await startReceiver(...answers)
  const webhook = { name: 'ato-contain', url: '$RECEIVER/api/contain', payload, encode_as: 'json' }
  const datadog = await startDatadog({
    ...{ port: 0, apiKey: 'lab-key', variables: { RECEIVER: receiver.url } },
    webhooks: [parseWebhook(JSON.stringify(webhook), 'webhook.json')],
    queue: { retrySpacingMs: [1, 1, 1, 1, 1], timeoutMs: 500 },
    ...options,
    console: {
      ...{ root: '/nowhere', detections: '/nowhere', version: '1.2.3' },
      urls: { web: 'http://localhost:1', functions: 'http://localhost:2' },
      ...console,
    },
  })
  const url = (path: string) => `${datadog.url}${path}`
  return {
    datadog,
    receiver,
    async get<T>(path: string): Promise<T> {
      const response = await fetch(url(path))
      if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
      return (await response.json()) as T
    },
    async send(method, path, body) {
      const headers = { 'content-type': 'application/json' }
      const response = await fetch(url(path), {
        method,
        headers,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      return { status: response.status, body: await response.json().catch(() => undefined) }
    },
    async submit(...events) {
      const lines = events.map((event) => ({
        ...{ message: JSON.stringify(event), ddsource: 'azure', service: 'mini-ato-saas', ddtags: 'env:prod' },
      }))
      const response = await fetch(datadog.intakeUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'dd-api-key': 'lab-key' },
        body: JSON.stringify(lines),
      })
      if (response.status !== 202) throw new Error(`the intake answered ${response.status}`)
    },
    read: (event, fits = () => true) => streamed(url(`/lab/stream?events=${event}`), event, fits),
    async close() {
      await datadog.close()
      await receiver.close()
    },
  }
}
