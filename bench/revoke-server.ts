import { randomUUID } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import express from 'express'
import { createMemoryStores } from '../functions/stores/memory-stores.ts'
import { portOf } from '../lab/processes/ports.ts'
import { parseWebConfig } from '../shared/config.ts'
import { createLog } from '../shared/log.ts'
import type { LiveSessions, ReplayCache, SessionLedger } from '../shared/stores/port.ts'
import { labEnv } from '../test/env.ts'
import { createDeps } from '../web/deps.ts'
import { createListener } from '../web/listener.ts'

/**
 * One of the servers of `revokes.ts`, in a separate process. It sends its port to its parent. Then it opens the sessions of
 * each message and answers with its CPU time so far, in microseconds.
 */
interface Subject {
  listener: RequestListener
  /** Makes revokes of these sessions possible. */
  open?(sids: readonly string[]): Promise<void>
}

const ANSWER = JSON.stringify({ sid: 'AAAAAAAAAAAAAAAAAAAAAA', result: 'success' })
const SUBJECTS: Readonly<Record<string, () => Subject>> = { bare, express: onExpress, web }

const { listener, open } = (SUBJECTS[process.argv[2] ?? ''] ?? bare)()
const server = createServer(listener)
server.listen(0, '127.0.0.1', () => process.send?.(portOf(server)))
process.on('message', async (sids: string[]) => {
  await open?.(sids)
  const { user, system } = process.cpuUsage()
  process.send?.(user + system)
})
process.on('disconnect', () => process.exit())

function bare(): Subject {
  return {
    listener(request, response) {
      request.resume()
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': ANSWER.length }).end(ANSWER)
    },
  }
}

function onExpress(): Subject {
  const app = express()
  app.disable('x-powered-by').disable('etag')
  app.use((request, response) => {
    request.resume()
    response.json(JSON.parse(ANSWER))
  })
  return { listener: app }
}

/** The deployed web app over stores in memory, so that only its own work is measured. */
function web(): Subject {
  const { ATO_HMAC_SECRET } = process.env
  const config = parseWebConfig({ ...labEnv(), ATO_HMAC_SECRET })
  // Of the built project: this file runs as a bundle two folders below its root.
  const assets = new URL('../../dist/web/assets/', import.meta.url)
  const log = createLog({ service: 'bench', env: 'prod' }, { write: () => {} })
  const deps = createDeps(config, { assets, log })
  const lifetimes = { idleSeconds: 3_600, renewSeconds: 300, graceSeconds: 30 }
  const stores = createMemoryStores({ now: deps.now, lifetimes })
  const { open, ...small } = createSmallStores()
  const sessions = { ...stores.sessions, ...small.sessions }
  const ledger = { ...stores.ledger, ...small.ledger }
  return { listener: createListener({ ...deps, sessions, ledger, calls: { ...deps.calls, ...small } }), open }
}

interface SmallStores {
  sessions: Pick<LiveSessions, 'ownerOf' | 'revoke'>
  ledger: Pick<SessionLedger, 'close'>
  replays: Pick<ReplayCache, 'accept'>
  open(sids: readonly string[]): Promise<void>
}

/**
 * The stores that a revoke uses, with nothing but the owner of each session and the ids of one turn. In a deployment
 * this data is in Redis and Tables: the collector of web never visits it, so it must not be part of what is measured.
 */
function createSmallStores(): SmallStores {
  const [live, rows] = [new Map<string, string>(), new Map<string, string>()]
  const ids = new Set<string>()
  return {
    sessions: {
      ownerOf: async (sid) => live.get(sid),
      revoke: async (sid) => (live.delete(sid) ? 'success' : 'noop'),
    },
    ledger: { close: async (userId, sid) => rows.get(sid) === userId && rows.delete(sid) },
    replays: { accept: async (id) => ids.size < ids.add(id).size },
    async open(sids) {
      ids.clear()
      for (const sid of sids) {
        const userId = randomUUID()
        live.set(sid, userId)
        rows.set(sid, userId)
      }
    },
  }
}
