import { join } from 'node:path'
import { app } from '@azure/functions'
import { ConfigError, parseFunctionsConfig } from '../shared/config.ts'
import { createDeps } from './deps.ts'
import { routes } from './routes.ts'
import { sweepHandler } from './sweep/handler.ts'

/** Built as CommonJS: the hash worker lies beside the bundle. */
declare const __dirname: string

/** A host that loads this without a usable configuration must not start: it prints the faults, and no stack. */
function compose() {
  try {
    return createDeps(parseFunctionsConfig(process.env), { hashWorker: join(__dirname, 'hash-worker.cjs') })
  } catch (error) {
    if (error instanceof ConfigError) error.stack = error.name
    throw error
  }
}

const deps = compose()

for (const [name, { method, route, authLevel = 'anonymous', handler }] of Object.entries(routes(deps))) {
  app.http(name, { methods: [method], route, authLevel, handler })
}
app.timer('sweep', { schedule: '0 * * * * *', handler: sweepHandler(deps) })
app.hook.appTerminate(deps.close)
