import { randomUUID } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import express from 'express'
import { parseWebConfig } from '../shared/config.ts'
import { createLog } from '../shared/log.ts'
import { createMemoryStores } from '../shared/stores/memory/stores.ts'
import type { LedgerSession, SessionLedger } from '../shared/stores/port.ts'
import { labEnv } from '../test/env.ts'
import type { WebDeps } from '../web/app.ts'
import { createDeps } from '../web/deps.ts'
import { createListener } from '../web/listener.ts'

/** One of the servers of `revokes.ts`, in a process of its own. It says by the channel to its parent where it listens. */
const ANSWER = JSON.stringify({ sid: 'AAAAAAAAAAAAAAAAAAAAAA', result: 'success' })
const LISTENERS: Readonly<Record<string, () => RequestListener>> = { bare, express: onExpress, web }

const server = createServer((LISTENERS[process.argv[2] ?? ''] ?? bare)())
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit())

function bare(): RequestListener {
  return (request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': ANSWER.length }).end(ANSWER)
  }
}

function onExpress(): RequestListener {
  const app = express()
  app.disable('x-powered-by').disable('etag')
  return app.use((request, response) => {
    request.resume()
    response.json(JSON.parse(ANSWER))
  })
}

/** The web app as it is, over the smallest stores that a revoke can do its work on: what is measured is web's own. */
function web(): RequestListener {
  const { ATO_HMAC_SECRET } = process.env
  const config = parseWebConfig({ ...labEnv(), ATO_HMAC_SECRET })
  const assets = pathToFileURL(join(import.meta.dirname, '../dist/web/assets/'))
  const log = createLog({ service: 'bench', env: 'prod' }, { write: () => {} })
  const deps = createDeps(config, { assets, log })
  const lifetimes = { idleSeconds: 3_600, renewSeconds: 300, graceSeconds: 30 }
  const { sessions, replays, ...stores } = createMemoryStores({ now: deps.now, lifetimes })
  const ledger = { ...stores.ledger, ...createRows() }
  process.on('message', async (sids: string[]) => {
    for (const sid of sids) await openSession(sid, { sessions, ledger })
    process.send?.('open')
  })
  return createListener({ ...deps, sessions, ledger, calls: { ...deps.calls, replays } })
}

/** A ledger of rows in this process: what its tables cost is the work of their service and client, not of web. */
function createRows(): Pick<SessionLedger, 'open' | 'locate' | 'close'> {
  const rows = new Map<string, LedgerSession>()
  return {
    async open(session) {
      rows.set(session.sid, session)
    },
    locate: async (sid) => rows.get(sid),
    async close(userId, sid, { at: endedAt, ...ending }) {
      const row = rows.get(sid)
      if (row?.userId !== userId || row.state !== 'active') return false
      rows.set(sid, { ...row, ...ending, endedAt })
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
