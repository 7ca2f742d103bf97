import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { portOf } from '../../test/port-of.ts'
import { copyMine } from './mine.ts'

const WEB = 'http://localhost:8000'
const server = createServer((_request, response) => response.writeHead(status).end('{}'))
let status = 404
let dir: string

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mine '))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve))
  await rm(dir, { recursive: true })
})

test.each([
  [404, undefined, `Nobody is signed in at ${WEB}. Open ${WEB}/register`],
  [404, 's1', `No browser has used the session s1 since the lab started. Open ${WEB}/dashboard`],
  [410, undefined, `Your session has ended. Sign in again at ${WEB}/login`],
  [410, 's1', `The session s1 has ended. Sign in again at ${WEB}/login`],
])('what cannot be robbed is said, with what to do: %i, %s', async (answered, sid, message) => {
  status = answered
  const urls = { web: WEB, functions: WEB, datadog: `http://127.0.0.1:${portOf(server)}` }
  await expect(copyMine(dir, { urls }, sid, AbortSignal.timeout(10_000))).rejects.toThrow(message)
})
