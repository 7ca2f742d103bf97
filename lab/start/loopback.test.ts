import { mkdtemp, rm } from 'node:fs/promises'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { removeLab } from '../stores/remove.ts'
import { type LabHandle, startLab } from './lab.ts'
import { httpStatus, type Listening, listeningSockets } from './testing/sockets.ts'

const LOOPBACK = ['127.0.0.1', '::1']
/** A container may have no IPv6. */
const withIpv6 = Object.values(networkInterfaces()).some((each) => each?.some(({ address }) => address === '::1'))
/** Two edges and the stand-in on each address, the two apps behind, Azurite's three services. */
const HTTP_SOCKETS = 3 * (withIpv6 ? 2 : 1) + 2 + 3
const FOREIGN_NAME = 'evil.example'

describe.skipIf(process.platform !== 'linux')('a whole lab', () => {
  let dir: string
  let lab: LabHandle
  let sockets: Listening[]
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ato loopback '))
    lab = await startLab({
      dir: join(dir, '.lab'),
      ports: { web: 0, functions: 0, datadog: 0 },
      withBlobAndQueue: true,
      log: () => {},
    })
    sockets = await listeningSockets(process.pid)
  }, 60_000)
  afterAll(async () => {
    await lab?.stop()
    await removeLab(join(dir, '.lab'))
    await rm(dir, { recursive: true, force: true })
  })

  test('listens on loopback only, every process of it', () => {
    const pids = new Set(sockets.map(({ pid }) => pid))
    for (const pid of [lab.web.pid, lab.functions.pid]) expect(pids).toContain(pid)
    const ports = sockets.map(({ port }) => port)
    const places = [...Object.values(lab.urls), lab.stores.DATABASE_URL, lab.stores.REDIS_URL]
    for (const url of places) expect(ports).toContain(Number(new URL(url).port))
    expect(sockets.filter(({ address }) => !LOOPBACK.includes(address))).toEqual([])
  })

  test.each([
    ['Host', (port: number) => ({ Host: `${FOREIGN_NAME}:${port}` })],
    ['Origin', (port: number) => ({ Host: `localhost:${port}`, Origin: `http://${FOREIGN_NAME}:${port}` })],
  ])('refuses a foreign %s at every port that speaks HTTP', async (_, headers) => {
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      const statuses = await Promise.all(sockets.map((socket) => httpStatus(socket, method, headers(socket.port))))
      const answered = sockets.flatMap((socket, index) =>
        statuses[index] === undefined ? [] : [{ ...socket, status: statuses[index] }],
      )
      expect(answered.length).toBeGreaterThanOrEqual(HTTP_SOCKETS)
      expect(answered.filter(({ status }) => status < 400 || status > 499)).toEqual([])
    }
  })

  test('answers to its own names at every port that people open', async () => {
    for (const url of Object.values(lab.urls)) {
      const { port } = new URL(url)
      for (const host of ['localhost', '127.0.0.1', ...(withIpv6 ? ['[::1]'] : [])]) {
        expect((await fetch(`http://${host}:${port}/`)).status, `${host} for ${url}`).toBe(200)
      }
    }
  })
})
