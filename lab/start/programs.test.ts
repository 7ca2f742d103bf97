import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, expect, inject, test, vi } from 'vitest'
import { identityOf } from '../processes/identity.ts'
import { findFunc } from './func.ts'
import { launchFunc } from './programs.ts'
import { startFixtureLab } from './testing/lab.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ato programs '))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(dir, { recursive: true, force: true })
})

/** Core Tools as the lab sees them: their own console, in which the app's lines have a time, and an end by SIGINT. */
const func = `#!${process.execPath}
const { createServer } = require('node:http')
const [verb, option, port] = process.argv.slice(2)
if (verb === '--version') { console.log('4.13.2'); process.exit() }
if (verb !== 'start' || option !== '--port') process.exit(2)
console.log('Azure Functions Core Tools')
const server = createServer((request, response) => {
  if (request.url === '/ping') console.log('[2026-11-22T10:00:00.000Z] ' + JSON.stringify({ evt: 'ping', url: '/ping' }))
  response.end(JSON.stringify({ storage: process.env.AzureWebJobsStorage, runtime: process.env.FUNCTIONS_WORKER_RUNTIME }))
})
process.on('SIGINT', () => process.exit(0))
server.listen(Number(port), '127.0.0.1')
`

test.skipIf(process.platform === 'win32')(
  "the lab runs its functions under a func behind npm's own launcher, and takes the app's lines out of its console",
  async () => {
    const launcher = join(dir, 'azure-functions-core-tools', 'lib', 'main.js')
    for (const folder of [join(launcher, '..'), join(dir, '.bin'), join(dir, 'bin')])
      await mkdir(folder, { recursive: true })
    await writeFile(launcher, '#!/bin/sh\nexit 1\n', { mode: 0o755 })
    await symlink(launcher, join(dir, '.bin', 'func'))
    await writeFile(join(dir, 'bin', 'func'), func)
    await chmod(join(dir, 'bin', 'func'), 0o755)
    vi.stubEnv('PATH', [join(dir, '.bin'), join(dir, 'bin'), process.env.PATH].join(delimiter))

    const found = await findFunc()
    if (found.kind === 'none') throw new Error(found.reasons.join('\n'))
    const lab = await startFixtureLab(join(dir, '.lab'), {
      given: {
        DATABASE_URL: inject('databaseUrl'),
        REDIS_URL: inject('redisUrl'),
        TABLES_CONNECTION: inject('tablesConnection'),
      },
      root: dir,
      programs: { functions: launchFunc(found.command) },
    })
    const pid = lab.functions.pid ?? 0
    expect(await identityOf(pid)).toBeDefined()
    try {
      const answer = await fetch(`${lab.urls.functions}/ping`)
      expect(await answer.json()).toEqual({ storage: inject('tablesConnection'), runtime: 'node' })
      await lab.flush()
      const { logs } = (await (await fetch(`${lab.urls.datadog}/lab/logs?query=@evt:ping`)).json()) as {
        logs: unknown[]
      }
      expect(logs).toHaveLength(1)
    } finally {
      await lab.stop()
    }
    expect(await identityOf(pid)).toBeUndefined()
  },
)
