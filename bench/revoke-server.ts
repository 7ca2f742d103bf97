import { randomUUID } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import express from 'express'
import { createMemoryStores } from '../functions/stores/memory-stores.ts'
import { portOf } from '../lab/processes/ports.ts'
import { parseWebConfig } from '../shared/config.ts'
import { createLog } from '../shared/log.ts'
import type { LedgerSession, SessionLedger } from '../shared/stores/port.ts'
import { labEnv } from '../test/env.ts'
import type { WebDeps } from '../web/app.ts'
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
  // No page is requested.
  const assets = new URL('./assets/', import.meta.url)
  const log = createLog({ service: 'bench', env: 'prod' }, { write: () => {} })
  const deps = createDeps(config, { assets, log })
  const lifetimes = { idleSeconds: 3_600, renewSeconds: 300, graceSeconds: 30 }
  const { sessions, replays, ...stores } = createMemoryStores({ now: deps.now, lifetimes })
  const ledger = { ...stores.ledger, ...createRows() }
  return {
    listener: createListener({ ...deps, sessions, ledger, calls: { ...deps.calls, replays } }),
    async open(sids) {
      for (const sid of sids) await openSession(sid, { sessions, ledger })
    },
  }
}

/** A ledger in this process, because the time of a real table belongs to its service and client, not to web. */
function createRows(): Pick<SessionLedger, 'open' | 'locate' | 'close'> {
  const rows = new Map<string, LedgerSession>()
  const endings = new Map<string, Parameters<SessionLedger['close']>[2]>()
  return {
    async open(session) {
      rows.set(session.sid, session)
    },
    locate: async (sid) => rows.get(sid),
    async close(userId, sid, ending) {
      if (rows.get(sid)?.userId !== userId || endings.has(sid)) return false
      endings.set(sid, ending)
      return true
    },
  }
}

/** A session as a sign-in opens it, with a user of its own. */
async function openSession(sid: string, { sessions, ledger }: Pick<WebDeps, 'sessions' | 'ledger'>): Promise<void> {
  const now = Date.now()
  const absoluteExpiry = now + 8 * 3_600_000
  const seen = {
    userId: randomUUID(),
    sid,
    deviceHash: '0'.repeat(16),
    device: 'Firefox',
    ip: '192.0.2.1',
    via: 'web',
  } as const
  const times = { issuedAt: new Date(now), absoluteExpiry: new Date(absoluteExpiry) }
  await ledger.open({ ...seen, ...times, state: 'active' })
  const proved = { amr: ['pwd'], acr: 'signed-in', authTime: now, epoch: 1 } as const
  await sessions.create({ ...seen, ...proved, absoluteExpiry }, now)
}
