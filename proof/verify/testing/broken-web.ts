import { createServer } from 'node:http'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseWebConfig } from '../../../shared/config.ts'
import { createLog } from '../../../shared/log.ts'
import { portOf } from '../../../test/port-of.ts'
import { createDeps } from '../../../web/deps.ts'
import { createListener } from '../../../web/listener.ts'
import { forgetful } from './broken-sessions.ts'
import { hasFault } from './faults.ts'

/** Web as it is deployed, over sessions that do not end in the way that the test asks for. */
const config = parseWebConfig(process.env)
const log = createLog({ service: config.DD_SERVICE, env: config.DD_ENV })
const assets = pathToFileURL(join(process.cwd(), 'dist', 'web', 'assets/'))
const deps = createDeps(config, { assets, log })
const { sessions } = deps
const listener = createListener({
  ...deps,
  sessions: {
    ...forgetful(sessions, () => hasFault('web lets in who was ended')),
    revoke: async (...revocation) => (hasFault('revoke ends nothing') ? 'success' : sessions.revoke(...revocation)),
  },
})
const server = createServer(listener)
process.on('disconnect', () => process.exit(0))
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0))
server.listen(config.PORT, config.HOST, () => {
  process.send?.({ type: 'ready', port: portOf(server) })
})
