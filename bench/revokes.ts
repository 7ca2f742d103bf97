import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { REVOKE_OP, type RevokeCall } from '../shared/containment/revoke-call.ts'
import { Secret } from '../shared/secret.ts'
import { revokeKeys, SIGNATURE_HEADER, sign } from '../shared/signature.ts'
import { alternate, type Comparison, type Count, perSecond } from './rounds.ts'

const SCRIPT = new URL('./revoke-server.ts', import.meta.url)
/** Calls under way at once, each on a connection of its own. */
const CONNECTIONS = 16
/** Calls of one turn, made beforehand, each for a session that is open: neither signing nor opening is measured. */
const PREPARED = 2_000

/**
 * Measures signed revokes a second, as functions sends them, against the same calls answered by nothing but `node:http`; the
 * second comparison says what Express alone makes of that.
 */
export async function benchRevokes({ rounds }: { rounds: number }): Promise<Comparison[]> {
  const [web, express, bare] = await Promise.all(['web', 'express', 'bare'].map(startServer))
  const servers = [web, express, bare] as [Server, Server, Server]
  try {
    const rateOf = (server: Server) => async () => perSecond([await server.call(PREPARED)])
    const [revoking, hello, nothing] = servers.map(rateOf) as [Rate, Rate, Rate]
    await Promise.all([revoking(), hello(), nothing()])
    const { a, b } = await alternate(rounds, revoking, nothing)
    const floor = await alternate(rounds, hello, nothing)
    const peer = (values: number[]) => ({ what: 'node:http that answers at once', unit: '/s', rounds: values })
    return [
      {
        name: 'signed revokes over bare node:http',
        measured: { what: 'signed revokes on web, stores in memory', unit: '/s', rounds: a },
        peer: peer(b),
        bound: { atLeast: 0.35 },
      },
      {
        name: 'Express over bare node:http',
        measured: { what: 'Express that answers at once', unit: '/s', rounds: floor.a },
        peer: peer(floor.b),
        bound: { atLeast: 0 },
      },
    ]
  } finally {
    for (const { close } of servers) close()
  }
}

type Rate = () => Promise<number>

interface Server {
  /** Sends so many calls. @throws if one is not answered 200 */
  call(count: number): Promise<Count>
  close(): void
}

async function startServer(mode: string): Promise<Server> {
  const env = { ...process.env, ATO_HMAC_SECRET: SECRET }
  const child: ChildProcess = fork(SCRIPT, [mode], { env, execArgv: ['--import', 'tsx'] })
  const [port] = (await once(child, 'message')) as [number]
  return {
    async call(count) {
      const sids = Array.from({ length: count }, () => randomBytes(16).toString('base64url'))
      if (mode === 'web') {
        child.send(sids)
        await once(child, 'message')
      }
      const requests = sids.map(signedRequest)
      const began = performance.now()
      await Promise.all(Array.from({ length: CONNECTIONS }, () => exhaust(port, requests)))
      return { done: count, milliseconds: performance.now() - began }
    },
    close: () => child.disconnect(),
  }
}

const SECRET = `lab-${randomBytes(24).toString('base64url')}`
const KEYS = revokeKeys([new Secret(SECRET)])

function signedRequest(sid: string): Buffer {
  const call: RevokeCall = {
    ...{ id: randomUUID(), op: REVOKE_OP, action: 'revoke', sid },
    ...{ reason: 'contained', detection: 'session-reuse', containment_id: randomBytes(16).toString('hex') },
  }
  const body = JSON.stringify(call)
  const head = [
    'POST /contain/revoke HTTP/1.1',
    'host: 127.0.0.1',
    'content-type: application/json',
    `content-length: ${body.length}`,
    `${SIGNATURE_HEADER}: ${sign(body, KEYS, Date.now())}`,
  ]
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`)
}

/** Sends requests over one connection, each after the answer to the one before, until none is left. */
async function exhaust(port: number, requests: Buffer[]): Promise<void> {
  const socket = connect(port, '127.0.0.1').setNoDelay()
  await new Promise<void>((resolve, reject) => {
    let answer = ''
    const next = () => {
      const request = requests.pop()
      if (request) socket.write(request)
      else resolve()
    }
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('the server closed a connection')))
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
      const [, status, length] = /^HTTP\/1\.1 (\d+).*?\r\ncontent-length: (\d+)\r\n/is.exec(answer) ?? []
      const end = answer.indexOf('\r\n\r\n') + 4
      if (length === undefined || end < 4 || answer.length < end + Number(length)) return
      if (status !== '200' || answer.endsWith('"noop"}'))
        reject(new Error(`a revoke was answered ${answer.slice(0, 400)}`))
      answer = ''
      next()
    })
    socket.on('connect', next)
  })
  socket.destroy()
}
