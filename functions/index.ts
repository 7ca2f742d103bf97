import { join } from 'node:path'
import { app } from '@azure/functions'
import { parseFunctionsConfig } from '../shared/config.ts'
import { createDeps } from './deps.ts'
import { routes } from './routes.ts'
import { refuseToStart } from './start-failure.ts'
import { sweepHandler } from './sweep/handler.ts'

/** The bundle is CommonJS, and the hash worker is in its folder. */
declare const __dirname: string

function compose() {
  try {
    return createDeps(parseFunctionsConfig(process.env), { hashWorker: join(__dirname, 'hash-worker.cjs') })
  } catch (error) {
    throw refuseToStart(error, app.hook.appStart)
  }
}

const deps = compose()

for (const [name, { method, route, authLevel = 'anonymous', handler }] of Object.entries(routes(deps))) {
  app.http(name, { methods: [method], route, authLevel, handler })
}
app.timer('sweep', { schedule: '0 * * * * *', handler: sweepHandler(deps.sweep) })
app.hook.appTerminate(deps.close)
