import { createServer, type Server } from 'node:http'
import { ConfigError, parseWebConfig, type WebConfig } from '../shared/config.ts'
import { createLog } from '../shared/log.ts'
import { createDeps } from './deps.ts'
import { createDrain } from './drain.ts'
import { createListener } from './listener.ts'
import { loopbackOnly } from './loopback.ts'

/** Heroku kills the process 30 s after SIGTERM. */
const HARD_EXIT_MS = 25_000
/** A slow body occupies a socket and not a worker. No form of a person takes longer. */
const REQUEST_MS = 30_000
const HEADERS_MS = 15_000

function configure(): WebConfig {
  try {
    return parseWebConfig(process.env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  }
}

/** Finishes the requests under way, accepts no new ones, then closes the stores. May be called twice. */
function drainOnce(server: Server, close: () => Promise<void>): () => void {
  const drain = createDrain(server)
  let draining = false
  return async () => {
    if (draining) return
    draining = true
    setTimeout(() => process.exit(1), HARD_EXIT_MS).unref()
    await drain()
    await close()
    process.exit(0)
  }
}

const config = configure()
const log = createLog({ service: config.DD_SERVICE, env: config.DD_ENV })
const deps = createDeps(config, { assets: new URL('./assets/', import.meta.url), log })
const listener = createListener(deps)
const LIMITS = { requestTimeout: REQUEST_MS, headersTimeout: HEADERS_MS }
const server = createServer(LIMITS, config.ATO_LAB ? loopbackOnly(listener) : listener)
const drain = drainOnce(server, deps.close)

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, drain)
// A lab that started this process closes the channel when it ends; elsewhere there is no channel.
process.on('disconnect', drain)
server.on('error', (error) => {
  process.stderr.write(`web cannot listen on ${config.HOST}:${config.PORT}: ${error.message}\n`)
  process.exit(1)
})
server.listen(config.PORT, config.HOST, () => {
  const address = server.address()
  process.send?.({ type: 'ready', port: typeof address === 'object' ? address?.port : undefined })
})
