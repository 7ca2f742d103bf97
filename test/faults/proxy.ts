import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer, connect as dial, type Server, type Socket } from 'node:net'

/** What stands in for the store. @returns undefined for bytes that go on to the store */
export type Reply = (chunk: Buffer) => Buffer | string | undefined

type Fault =
  | { kind: 'none' }
  | { kind: 'hang' }
  | { kind: 'slow'; ms: number }
  | { kind: 'cut'; afterMs: number }
  | { kind: 'answer'; reply: Reply }

interface Target {
  host: string
  port: number
}

/** A TCP proxy on loopback before one store, which can be given one fault at a time, also for connections that are open. */
export interface FaultProxy {
  readonly port: number
  /** No fault: bytes that were held back go on. */
  pass(): Promise<void>
  /** New connections are refused, open ones are reset. */
  refuse(): Promise<void>
  /** Connections are taken and kept, and nothing goes either way. */
  hang(): Promise<void>
  /** Every chunk comes so much later, each way. */
  slow(ms: number): Promise<void>
  /** Each connection is reset so long after its first bytes; without a time those do not reach the store. */
  cut(afterMs?: number): Promise<void>
  /** Resets every open connection; the fault stays as it is. */
  reset(): void
  /** Something else answers in the store's place. */
  answer(reply: Reply): Promise<void>
  close(): Promise<void>
}

export async function startProxy(target: Target): Promise<FaultProxy> {
  let fault: Fault = { kind: 'none' }
  const pairs = new Set<Pair>()
  const server = createServer((client) => {
    const pair = new Pair(client, target, () => fault)
    pairs.add(pair)
    client.once('close', () => pairs.delete(pair))
  })
  const port = await listenApart(server)

  const become = async (next: Fault) => {
    fault = next
    if (!server.listening) await listen(server, port)
    for (const pair of pairs) pair.changed()
  }
  const refuse = async () => {
    const closed = server.listening ? once(server, 'close') : undefined
    server.close()
    for (const pair of pairs) pair.reset()
    await closed
  }
  return {
    port,
    pass: () => become({ kind: 'none' }),
    hang: () => become({ kind: 'hang' }),
    slow: (ms) => become({ kind: 'slow', ms }),
    cut: (afterMs = 0) => become({ kind: 'cut', afterMs }),
    reset() {
      for (const pair of pairs) pair.reset()
    },
    answer: (reply) => become({ kind: 'answer', reply }),
    refuse,
    close: refuse,
  }
}

/**
 * Takes a port below those that systems give to outgoing connections: while the proxy refuses, no connection of anybody
 * else takes its port. @see RFC 6056 2.1, `net.ipv4.ip_local_port_range`
 */
async function listenApart(server: Server): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000)
    const isOurs = await listen(server, port).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'EADDRINUSE') return false
        throw error
      },
    )
    if (isOurs) return port
  }
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
}

/** One connection of a client, and the one to the store that belongs to it. */
class Pair {
  readonly #client: Socket
  readonly #store: Socket
  readonly #fault: () => Fault
  readonly #lanes = [new Lane(), new Lane()] as const

  constructor(client: Socket, target: Target, fault: () => Fault) {
    this.#client = client
    this.#fault = fault
    this.#store = dial(target)
    for (const [from, to, lane] of [
      [this.#client, this.#store, this.#lanes[0]],
      [this.#store, this.#client, this.#lanes[1]],
    ] as const) {
      from.on('error', () => {})
      from.once('close', () => lane.add(() => to.destroy(), this.#delayMs()))
      from.on('data', (chunk) => this.#carry(chunk, from, to, lane))
    }
  }

  reset(): void {
    this.#client.resetAndDestroy()
    this.#store.destroy()
  }

  changed(): void {
    const { kind } = this.#fault()
    if (kind === 'cut') this.reset()
    else if (kind !== 'hang') for (const lane of this.#lanes) lane.release()
  }

  #carry(chunk: Buffer, from: Socket, to: Socket, lane: Lane): void {
    const fault = this.#fault()
    if (fault.kind === 'answer' && from === this.#client) {
      const answer = fault.reply(chunk)
      if (answer !== undefined) {
        this.#client.write(answer)
        return
      }
    }
    if (fault.kind === 'cut') {
      setTimeout(() => this.reset(), fault.afterMs)
      if (fault.afterMs === 0) return
    }
    lane.add(() => void to.write(chunk), this.#delayMs())
  }

  #delayMs(): number {
    const fault = this.#fault()
    return fault.kind === 'hang' ? Number.POSITIVE_INFINITY : fault.kind === 'slow' ? fault.ms : 0
  }
}

/** One direction of a connection. Nothing overtakes what came before it, also when a fault ends: TCP keeps the order. */
class Lane {
  readonly #waiting: { readonly act: () => void; readonly dueAt: number }[] = []

  /** @param delayMs Infinity: until {@link release} */
  add(act: () => void, delayMs: number): void {
    this.#waiting.push({ act, dueAt: performance.now() + delayMs })
    this.#run()
    if (this.#waiting.length > 0 && Number.isFinite(delayMs)) setTimeout(() => this.#run(), delayMs + 1)
  }

  /** Lets everything go at once. */
  release(): void {
    for (const { act } of this.#waiting.splice(0)) act()
  }

  #run(): void {
    const now = performance.now()
    for (;;) {
      const [first] = this.#waiting
      if (!first || first.dueAt > now) return
      this.#waiting.shift()
      first.act()
    }
  }
}

/** The host and port in a URL or a connection string of loopback. */
export function addressIn(connection: string): Target {
  const [, host = '', port = ''] = /(127\.0\.0\.1|localhost):(\d+)/.exec(connection) ?? []
  return { host, port: Number(port) }
}

/** The same URL or connection string by way of a proxy. */
export const through = (connection: string, { port }: { port: number }): string =>
  connection.replaceAll(/(127\.0\.0\.1|localhost):\d+/g, `127.0.0.1:${port}`)

/** An answer of HTTP to whatever comes, after which the connection ends. */
export function httpAnswer(status: number, headers: Readonly<Record<string, string>>, body: string): Reply {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = `HTTP/1.1 ${status} Fault\r\n${lines.join('')}content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n`
  return () => head + body
}

/** The same reply to every command in what Redis is sent. */
export const redisAnswer =
  (line: string): Reply =>
  (chunk) =>
    `${line}\r\n`.repeat(chunk.toString('latin1').match(/(?<=^|\r\n)\*\d+\r\n/g)?.length ?? 1)
