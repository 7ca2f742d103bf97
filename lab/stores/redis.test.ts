import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadSecrets } from '../start/secrets.ts'
import { findRedisServer, startRedis } from './redis.ts'

const EMBEDDED = createRequire(import.meta.url).resolve('js-redis-server')
const { PATH: path, REDIS_SERVER: named } = process.env

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ato redis '))
  process.env.PATH = `${dir}${delimiter}${path}`
  process.env.REDIS_SERVER = ''
})
afterEach(async () => {
  process.env.PATH = path
  process.env.REDIS_SERVER = named ?? ''
  await rm(dir, { recursive: true, force: true })
})

/** A program that prints the given version, or records its arguments and serves. */
async function install(version: string): Promise<void> {
  const program = join(dir, 'redis-server')
  const script = join(dir, 'serve.cjs')
  await writeFile(
    script,
    `const { createRedisServer } = require(${JSON.stringify(EMBEDDED)})
require('node:fs').writeFileSync(${JSON.stringify(join(dir, 'arguments'))}, process.argv.slice(2).join('\\n'))
createRedisServer({ port: { port: Number(process.argv[3]), host: '127.0.0.1' } }).then(() => console.log('* Ready to accept connections tcp'))
`,
  )
  await writeFile(
    program,
    `#!/bin/sh
if [ "$1" = --version ]; then echo "${version}"; exit; fi
exec '${process.execPath}' '${script}' "$@"
`,
  )
  await chmod(program, 0o755)
}

const start = async () => startRedis({ dir, secrets: await loadSecrets(dir), log: () => {} })

async function works(url: string): Promise<boolean> {
  const redis = new Redis(url)
  const answer = await redis.set('k', 'v', 'PX', 60_000)
  redis.disconnect()
  return answer === 'OK'
}

test.skipIf(process.platform === 'win32')(
  'a redis-server on PATH is used on loopback, keeps its data in the lab’s directory and evicts nothing',
  async () => {
    await install('Redis server v=7.4.1 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64')
    const redis = await start()
    const given = await readFile(join(dir, 'arguments'), 'utf8')
    const working = await works(redis.connection)
    await redis.close()
    expect(working).toBe(true)
    expect(redis.detail).toBe('redis-server 7.4.1')
    for (const option of [
      '--bind\n127.0.0.1',
      `--dir\n${join(dir, 'redis')}`,
      '--appendonly\nyes',
      '--maxmemory-policy\nnoeviction',
    ]) {
      expect(given).toContain(option)
    }
  },
)

test('a real redis-server keeps its data for the next start', async (context) => {
  process.env.PATH = path
  process.env.REDIS_SERVER = named ?? ''
  if (!(await findRedisServer())) return context.skip()
  const first = await start()
  const wrote = await works(first.connection)
  await first.close()
  const second = await start()
  const redis = new Redis(second.connection)
  const kept = await redis.get('k')
  redis.disconnect()
  await second.close()
  expect([first.durable, wrote, kept]).toEqual([true, true, 'v'])
})

test.each(['Redis server v=6.2.14 sha=0', 'something else'])(
  'a program that prints "%s" is skipped',
  async (version) => {
    await install(version)
    const redis = await start()
    const working = await works(redis.connection)
    await redis.close()
    expect(working).toBe(true)
    expect(redis.detail).toBe('embedded, in memory')
  },
)

test.skipIf(process.platform === 'win32')('the program named by REDIS_SERVER is used', async () => {
  await install('Redis server v=7.4.2 sha=0')
  process.env.PATH = path
  process.env.REDIS_SERVER = join(dir, 'redis-server')
  const redis = await start()
  const working = await works(redis.connection)
  await redis.close()
  expect(working).toBe(true)
  expect(redis.detail).toBe('redis-server 7.4.2')
})

test('"none" in REDIS_SERVER selects the embedded one', async () => {
  await install('Redis server v=7.4.1 sha=0')
  process.env.REDIS_SERVER = 'none'
  const redis = await start()
  await redis.close()
  expect(redis.detail).toBe('embedded, in memory')
})

test.each(['Redis server v=6.2.14 sha=0', undefined])(
  'a program named by REDIS_SERVER that prints "%s" is refused by name',
  async (version) => {
    if (version !== undefined) await install(version)
    process.env.REDIS_SERVER = join(dir, 'redis-server')
    await expect(start()).rejects.toThrow(/REDIS_SERVER is .*version 7 or later/)
  },
)

test('the embedded one executes no commands that a web page posts to its port', async () => {
  await install('something else')
  const redis = await start()
  const { port } = new URL(redis.connection)
  const socket = connect(Number(port), '127.0.0.1')
  socket.end(`POST / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 15\r\n\r\nSET forged yes\r\n`)
  const answer = await text(socket).finally(redis.close)
  expect(answer).toContain('NOAUTH')
  expect(answer).not.toContain('+OK')
})
