import { request } from 'node:https'
import { text } from 'node:stream/consumers'

export interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface Received {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly text: string
}

/** A client that trusts one more authority than the system does. */
export const createClient =
  (ca: string) =>
  (url: string, { method = 'GET', headers = {}, body }: Sent = {}): Promise<Received> =>
    new Promise((resolve, reject) => {
      const outgoing = request(url, { method, ca, agent: false, headers: { 'user-agent': FIREFOX, ...headers } })
      outgoing.once('error', reject)
      outgoing.once('response', (answer) => {
        text(answer).then(
          (read) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text: read }),
          reject,
        )
      })
      outgoing.end(body)
    })

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0'

/** Asks until the answer is 200. @throws after `withinMs`, with the last answer */
export async function untilOk(ask: () => Promise<Received>, withinMs: number): Promise<Received> {
  const started = performance.now()
  for (;;) {
    const answer = await ask()
    if (answer.status === 200) return answer
    if (performance.now() - started > withinMs) throw new Error(`still ${answer.status}: ${answer.text}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
