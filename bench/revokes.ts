import { fork } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { build as esbuild } from 'esbuild'
import { build, web } from '../build.mjs'
import { childEnvironment } from '../lab/processes/environment.ts'
import { REVOKE_OP, type RevokeCall } from '../shared/containment/revoke-call.ts'
import { Secret } from '../shared/secret.ts'
import { revokeKeys, SIGNATURE_HEADER, sign } from '../shared/signature.ts'
import { alternate, type Comparison, type Count, perSecond } from './rounds.ts'
import { inTemporaryFolder } from './stopping.ts'

const ROOT = join(import.meta.dirname, '..')
/** The number of concurrent calls, each on its own connection. */
const CONNECTIONS = 16
/**
 * Calls of one turn. They are signed and their sessions opened beforehand, so that neither is measured. The bare server
 * needs 15 µs of CPU for one: a collection of garbage that falls in a shorter turn would determine its rate.
 */
const PREPARED = 10_000

/**
 * Measures signed revokes, as functions sends them, against the same calls answered by `node:http` alone. The second
 * comparison measures Express alone. The CPU time of the server is counted, because on the same machine the client is
 * slower and would determine a rate by the clock.
 */
export async function benchRevokes({ rounds }: { rounds: number }): Promise<Comparison[]> {
  await build()
  // Below the project, so that its node_modules are found.
  await mkdir(join(ROOT, '.lab'), { recursive: true })
  return inTemporaryFolder(join(ROOT, '.lab', 'revokes-'), (dir) => measureIn(dir, rounds))
}

async function measureIn(dir: string, rounds: number): Promise<Comparison[]> {
  const servers: Server[] = []
  try {
    const script = join(dir, 'server.mjs')
    await esbuild({ ...web, entryPoints: ['bench/revoke-server.ts'], outfile: script, write: true })
    for (const mode of ['web', 'express', 'bare']) servers.push(await startServer(script, mode))
    const [revoking, hello, nothing] = servers.map((server) => async () => perSecond([await server.call(PREPARED)]))
    if (!revoking || !hello || !nothing) throw new Error('a server is missing')
    // Warms up the code first.
    for (const rate of [revoking, hello, nothing, revoking, hello, nothing]) await rate()
    const { a, b } = await alternate(rounds, revoking, nothing)
    const floor = await alternate(rounds, hello, nothing)
    const peer = (values: number[]) => ({ what: 'node:http that answers at once', unit: '/CPU s', rounds: values })
    return [
      {
        name: 'signed revokes over bare node:http',
        measured: { what: 'signed revokes on web, stores in memory', unit: '/CPU s', rounds: a },
        peer: peer(b),
        bound: { atLeast: 0.35 },
      },
      {
        name: 'Express over bare node:http',
        measured: { what: 'Express that answers at once', unit: '/CPU s', rounds: floor.a },
        peer: peer(floor.b),
        bound: { atLeast: 0 },
      },
    ]
  } finally {
    for (const { close } of servers) close()
  }
}

interface Server {
  /** Sends `count` calls. @returns the server's CPU time for them @throws if one is not answered with 200 */
  call(count: number): Promise<Count>
  close(): void
}

async function startServer(script: string, mode: string): Promise<Server> {
  const env = childEnvironment({ NODE_ENV: 'production', ATO_HMAC_SECRET: SECRET })
  const child = fork(script, [mode], { env, execArgv: [] })
  const answer = async () => ((await once(child, 'message')) as [number])[0]
  const port = await answer()
  /** @returns its CPU time so far, in microseconds */
  const open = (sids: readonly string[]) => {
    child.send(sids)
    return answer()
  }
  return {
    async call(count) {
      const sids = Array.from({ length: count }, () => randomBytes(16).toString('base64url'))
      const requests = sids.map(signedRequest)
      const before = await open(sids)
      await Promise.all(Array.from({ length: CONNECTIONS }, () => exhaust(port, requests)))
      return { done: count, milliseconds: ((await open([])) - before) / 1000 }
    },
    close: () => child.disconnect(),
  }
}

const SECRET = `lab-${randomBytes(24).toString('base64url')}`
const KEYS = revokeKeys([new Secret(SECRET)])

function signedRequest(sid: string): Buffer {
  const call: RevokeCall = {
    id: randomUUID(),
    op: REVOKE_OP,
    action: 'revoke',
    sid,
    reason: 'contained',
    detection: 'session-reuse',
    containment_id: randomBytes(16).toString('hex'),
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

/** Sends all requests over one connection, each after the previous answer. */
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
