import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCaptured } from 'alertproof/cli'
import { afterEach, beforeEach, expect, inject, test, vi } from 'vitest'
import { command } from './stores.ts'

let dir: string
const taken: Server[] = []
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ato lab stores '))
  vi.stubEnv('DATABASE_URL', inject('databaseUrl'))
  vi.stubEnv('REDIS_URL', inject('redisUrl'))
  vi.stubEnv('TABLES_CONNECTION', inject('tablesConnection'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const server of taken.splice(0)) server.close()
  await rm(dir, { recursive: true, force: true })
})

/** Occupies a port; another program may have done so already. */
async function take(port: number): Promise<void> {
  const server = createServer()
  await new Promise<void>((done) => {
    server.once('error', () => done())
    server.listen(port, '127.0.0.1', () => done())
  })
  taken.push(server)
}

/** Runs the command until the stores are started, then stops it. */
async function run(...argv: string[]): Promise<{ printed: string; settings: Record<string, Record<string, string>> }> {
  const stopping = new AbortController()
  let printed = ''
  const file = join(dir, 'settings.json')
  const { code } = await runCaptured(command, ['--dir', join(dir, '.lab'), '--settings', file, ...argv], {
    err(text) {
      printed += text
      if (printed.includes('Ctrl-C')) stopping.abort()
    },
    signal: stopping.signal,
  })
  expect(code).toBe(0)
  return { printed, settings: JSON.parse(await readFile(file, 'utf8')) }
}

test('a default port that is taken is not written, and the printed ports are the written ones', async () => {
  await Promise.all([take(8000), take(7071)])
  const { printed, settings } = await run()
  const { WEB_ORIGIN = '', FUNCTIONS_ORIGIN = '' } = settings.Values ?? {}
  for (const origin of [WEB_ORIGIN, FUNCTIONS_ORIGIN]) expect(origin).toMatch(/^http:\/\/localhost:\d+$/)
  expect(['8000', '7071', new URL(FUNCTIONS_ORIGIN).port]).not.toContain(new URL(WEB_ORIGIN).port)
  expect(FUNCTIONS_ORIGIN).toBe(`http://localhost:${settings.Host?.LocalHttpPort}`)
  expect(settings.Host?.LocalHttpPort).not.toBe(7071)
  expect(printed).toMatch(new RegExp(`WEB_ORIGIN +${WEB_ORIGIN}\n`))
  expect(printed).toContain(`listens on port ${settings.Host?.LocalHttpPort}`)
})

test('a given port is written, even if it is taken', async () => {
  await take(18_000)
  const { settings } = await run('--port', '18000', '--functions-port', '17071')
  expect(settings.Values).toMatchObject({
    WEB_ORIGIN: 'http://localhost:18000',
    FUNCTIONS_ORIGIN: 'http://localhost:17071',
  })
})

test('the mail of the functions goes to the printed mailbox, which ends with the command', async () => {
  const { printed, settings } = await run()
  expect(settings.Values?.SMTP_URL).toMatch(/^smtp:\/\/lab:[\w-]+@127\.0\.0\.1:\d+$/)
  expect(settings.Values?.MAIL_FROM).toBe('mini-ato-saas@example.com')
  const [mailbox = ''] = /http:\/\/127\.0\.0\.1:\d+\/mail/.exec(printed) ?? []
  await expect(fetch(mailbox)).rejects.toThrow('fetch failed')
})

test('an unusable port is a usage error', async () => {
  await expect(run('--port', '0')).rejects.toThrow('--port 0: must be a whole number from 1 to 65535')
})
