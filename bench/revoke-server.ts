import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import express from 'express'
import { parseWebConfig } from '../shared/config.ts'
import { createLog } from '../shared/log.ts'
import { createMemoryStores } from '../shared/stores/memory/stores.ts'
import { labEnv } from '../test/env.ts'
import { createApp } from '../web/app.ts'
import { createDeps } from '../web/deps.ts'

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

/** The web app as it is, over stores in memory: what is measured is its own work. */
function web(): RequestListener {
  const { ATO_HMAC_SECRET } = process.env
  const config = parseWebConfig({ ...labEnv(), ATO_HMAC_SECRET })
  const assets = pathToFileURL(join(import.meta.dirname, '../dist/web/assets/'))
  const log = createLog({ service: 'bench', env: 'prod' }, { write: () => {} })
  const deps = createDeps(config, { assets, log })
  const lifetimes = { idleSeconds: 3_600, renewSeconds: 300, graceSeconds: 30 }
  const { sessions, ledger, replays } = createMemoryStores({ now: deps.now, lifetimes })
  return createApp({ ...deps, sessions, ledger, calls: { ...deps.calls, replays } })
}
