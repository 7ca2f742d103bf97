import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { SIGNATURE_HEADER, sign } from './signature.ts'
import { postSigned, readSigned, type SignedRequest, signedFields } from './signed-call.ts'
import { createMemoryReplayCache } from './stores/memory/replay-cache.ts'

const KEYS = ['a-key-of-one-direction-0123456789-abc']
/** A whole second, so that a boundary is reached exactly. */
const START = Date.UTC(2026, 0, 5)
const ORIGIN = 'http://localhost:8000'
const OP = 'POST /contain/revoke'
const Schema = z.strictObject({ ...signedFields, sid: z.string() })
const CALL = { id: '0123456789abcdef', op: OP, sid: 'a-session' }

function reader(now = START) {
  const clock = { now }
  const ids: [id: string, until: number][] = []
  const memory = createMemoryReplayCache(() => clock.now)
  const accept = (id: string, until: number) => {
    ids.push([id, until])
    return memory.accept(id, until)
  }
  const deps = { keys: KEYS, replays: { accept }, now: () => clock.now }
  return { clock, ids, read: (request: SignedRequest) => readSigned(request, OP, Schema, deps) }
}

function signed(content: unknown, contentType = 'application/json'): SignedRequest {
  const body = Buffer.from(typeof content === 'string' ? content : JSON.stringify(content))
  return { signature: sign(body, KEYS, START), contentType, body }
}

/** Sends one call to a server that notes it. */
async function sent(options: { timeoutMs: number; token?: string } = { timeoutMs: 1000 }) {
  const requests: Request[] = []
  const answer = async (input: string | URL | Request, init?: RequestInit) => {
    requests.push(new Request(input, init))
    return Response.json({})
  }
  await postSigned(ORIGIN, '/contain/revoke', { sid: CALL.sid }, options, {
    keys: KEYS,
    fetch: answer,
    now: () => START,
  })
  const [request] = requests
  if (!request) throw new Error('nothing was sent')
  return request
}

describe('a signed call', () => {
  it('is read as it was sent', async () => {
    const request = await sent({ timeoutMs: 1000, token: 'a-token' })
    expect(request.url).toBe(`${ORIGIN}/contain/revoke`)
    expect(request.headers.get('authorization')).toBe('Bearer a-token')
    const signature = request.headers.get(SIGNATURE_HEADER) ?? undefined
    const contentType = request.headers.get('content-type') ?? undefined
    const reading = await reader().read({ signature, contentType, body: Buffer.from(await request.arrayBuffer()) })
    expect(reading).toMatchObject({ kind: 'call', call: { op: OP, sid: CALL.sid } })
  })

  it('has an id of its own each time it is sent', async () => {
    const bodies = await Promise.all(
      [sent(), sent()].map(async (request) => Schema.parse(await (await request).json())),
    )
    expect(new Set(bodies.map(({ id }) => id)).size).toBe(2)
  })

  it.each([
    ['another route', signed({ ...CALL, op: 'POST /elsewhere' }), 'wrong_route'],
    ['another route, and an unknown shape', signed({ op: 'POST /elsewhere' }), 'wrong_route'],
    ['no id', signed({ op: OP, sid: CALL.sid }), 'malformed'],
    ['a key too many', signed({ ...CALL, more: 1 }), 'malformed'],
    ['a repeated key', signed(`{"sid":"another",${JSON.stringify(CALL).slice(1)}`), 'malformed'],
    ['no JSON', signed('sid=1'), 'malformed'],
    ['another content type', signed(CALL, 'text/plain'), 'malformed'],
  ])('with %s is refused, and spends no id', async (_, request, reason) => {
    const { ids, read } = reader()
    expect(await read(request)).toEqual({ kind: 'refused', reason, isProved: true })
    expect(ids).toEqual([])
  })

  it('reveals nothing of its content', async () => {
    const { read } = reader()
    const request = { ...signed({ op: 'POST /elsewhere' }, 'text/plain'), signature: sign('', ['another key'], START) }
    expect(await read(request)).toEqual({ kind: 'refused', reason: 'bad_signature', isProved: false })
  })

  it('is a replay until the very instant at which its signature ends', async () => {
    const { clock, ids, read } = reader()
    expect(await read(signed(CALL))).toMatchObject({ kind: 'call' })
    clock.now = START + 300_000
    expect(await read(signed(CALL))).toMatchObject({ kind: 'refused', reason: 'replayed' })
    expect(ids[0]).toEqual([CALL.id, START + 301_000])
    clock.now++
    expect(await read(signed(CALL))).toMatchObject({ kind: 'refused', reason: 'stale' })
  })
})
