import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, inject, test } from 'vitest'
import { portOf } from '../test/port-of.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SECRET = 'lab-canary-secret-of-a-started-server'

const environment = () => ({
  PATH: process.env.PATH,
  ATO_LAB: '1',
  PORT: '0',
  HOST: '127.0.0.1',
  REDIS_URL: inject('redisUrl'),
  TABLES_CONNECTION: inject('tablesConnection'),
  ATO_HMAC_SECRET: SECRET,
  DEVICE_HASH_KEY: SECRET,
  WEB_ORIGIN: 'http://localhost:8000',
  FUNCTIONS_ORIGIN: 'http://127.0.0.1:9',
})

const children: ReturnType<typeof spawn>[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

function start(env: Record<string, string | undefined>) {
  const child = spawn(process.execPath, ['dist/web/server.js'], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  children.push(child)
  const ended = once(child, 'exit')
  if (!child.stdout || !child.stderr) throw new Error('the server was started without pipes')
  return { child, ended, stdout: text(child.stdout), stderr: text(child.stderr) }
}

async function started(env: Record<string, string | undefined> = environment()) {
  const server = start(env)
  const [message] = await once(server.child, 'message')
  expect(message.type).toBe('ready')
  return { ...server, origin: `http://127.0.0.1:${message.port}` }
}

test.skipIf(process.platform === 'win32')(
  'a server that is asked to end exits with 0, however often it is asked, and prints only JSON',
  async () => {
    const { child, ended, stdout, stderr, origin } = await started()
    expect((await fetch(`${origin}/__health`)).status).toBe(200)
    expect((await fetch(`${origin}/__ready`)).status).toBe(503)
    child.kill('SIGTERM')
    child.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
    const lines = (await stdout).split('\n').filter(Boolean)
    expect(lines.length).toBeGreaterThan(0)
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ service: 'mini-ato-saas', env: 'prod' })
    expect((await stdout) + (await stderr)).not.toContain(SECRET)
  },
)

test.skipIf(process.platform === 'win32')('an answer that is under way is given before the server ends', async () => {
  let answerNow = () => {}
  const slow = createServer((_request, response) => {
    answerNow = () => void response.writeHead(202, { 'content-type': 'application/json' }).end('{}')
    slow.emit('asked')
  }).listen(0, '127.0.0.1')
  await once(slow, 'listening')
  const FUNCTIONS_ORIGIN = `http://127.0.0.1:${portOf(slow)}`
  try {
    const { child, ended, origin } = await started({ ...environment(), FUNCTIONS_ORIGIN })
    const asked = once(slow, 'asked')
    const body = new URLSearchParams({ email: 'a@example.com', password: 'x' })
    const answer = fetch(`${origin}/register`, { method: 'POST', body, redirect: 'manual' })
    await asked
    child.kill('SIGTERM')
    await refused(origin)
    answerNow()
    expect((await answer).headers.get('location')).toBe('/register/sent')
    expect(await ended).toEqual([0, null])
  } finally {
    slow.close()
  }
})

test.skipIf(process.platform === 'win32')(
  'bodies that arrive slowly are answered before the server ends; one that does not arrive holds it for ten seconds',
  async () => {
    const { child, ended, origin } = await started()
    const begin = async (path: string) => {
      const socket = connect(Number(new URL(origin).port), '127.0.0.1').setNoDelay()
      const answer = text(socket)
      const head = ['Host: 127.0.0.1', 'Content-Type: application/json', 'Content-Length: 4', 'Expect: 100-continue']
      socket.write(`POST ${path} HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n`)
      // "100 Continue" tells that the head has arrived.
      await once(socket, 'readable')
      return { socket, answer }
    }
    const [slow, form, never] = [await begin('/contain/revoke'), await begin('/login'), await begin('/contain/revoke')]
    const began = performance.now()
    child.kill('SIGTERM')
    await refused(origin)
    slow.socket.write('{}{}')
    form.socket.write('{}{}')
    expect(await slow.answer).toMatch(/HTTP\/1\.1 401 /)
    // Functions does not answer here.
    expect(await form.answer).toMatch(/HTTP\/1\.1 503 /)
    expect(await never.answer).toMatch(/HTTP\/1\.1 408 /)
    expect(await ended).toEqual([0, null])
    expect(performance.now() - began).toBeLessThan(20_000)
  },
)

/** Resolves once nobody listens there any more. */
async function refused(origin: string): Promise<void> {
  const deadline = Date.now() + 10_000
  while (Date.now() < deadline) {
    const alive = await fetch(`${origin}/__health`, { headers: { connection: 'close' } }).then(
      () => true,
      () => false,
    )
    if (!alive) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error('the server still takes connections')
}

test('a server without its parent ends as well', async () => {
  const { child, ended } = await started()
  child.disconnect()
  expect(await ended).toEqual([0, null])
})

test('an unusable configuration is reported completely, by name and without values, and nothing listens', async () => {
  const { ATO_HMAC_SECRET: _, ...rest } = environment()
  const { ended, stdout, stderr } = start({ ...rest, DEVICE_HASH_KEY: 'lab-canary-too-short', WEB_ORIGIN: 'nowhere' })
  expect(await ended).toEqual([1, null])
  const told = await stderr
  for (const name of ['ATO_HMAC_SECRET', 'DEVICE_HASH_KEY', 'WEB_ORIGIN']) expect(told).toContain(name)
  expect(told).not.toContain('canary')
  expect(await stdout).toBe('')
})

test('a server that verifies no store warns at its start', async () => {
  const { child, stdout } = await started({ ...environment(), TLS_INSECURE: '1' })
  child.kill('SIGTERM')
  expect((await stdout).split('\n')[0]).toMatch(/"level":"warn".*TLS_INSECURE=1/)
})

test('a taken port is reported', async () => {
  const { origin } = await started()
  const { ended, stderr } = start({ ...environment(), PORT: new URL(origin).port })
  expect(await ended).toEqual([1, null])
  expect(await stderr).toContain(`web cannot listen on 127.0.0.1:${new URL(origin).port}`)
})
