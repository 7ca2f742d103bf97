import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { heroku } from '../lab/edge/flavour.ts'
import { type SpawnedHost, spawnFunctionsHost } from '../lab/functions-host/spawn.ts'
import { childEnvironment } from '../lab/processes/environment.ts'
import { freePort } from '../lab/processes/ports.ts'
import { productionEnv } from './env.ts'
import { createClient, untilOk } from './rehearsal/client.ts'
import { applyIgnoreFile, copyTree, ROOT } from './rehearsal/files.ts'
import { type FrontEnd, startFrontEnd } from './rehearsal/front-end.ts'
import { type MailServer, startMailServer } from './rehearsal/mail.ts'
import { type ManagedStores, startManagedStores } from './rehearsal/stores.ts'
import { selfSigned } from './tls/certificate.ts'

/**
 * What Heroku does with a push, on this machine: the buildpack's steps in their order, then the Procfile's own lines,
 * behind a router with TLS, on stores with TLS. Not rehearsed: the buildpack itself, the slug, Logplex.
 */

const NPM_MS = 180_000
const identity = selfSigned('localhost')
const send = createClient(identity.cert)

let dir: string
let stores: ManagedStores
let mail: MailServer
let webRouter: FrontEnd
let functionsRouter: FrontEnd
let functions: SpawnedHost
let procfile: Map<string, string[]>
let settings: Record<string, string>
const functionsLines: string[] = []
const children: ChildProcess[] = []

/** One command of a release, in the tree's copy, with nothing of this process' environment but the basics. */
function run(command: readonly string[], env: Record<string, string> = {}) {
  const [program = '', ...args] = command
  const child = spawn(program === 'node' ? process.execPath : program, args, {
    cwd: dir,
    env: childEnvironment({ NODE_ENV: 'production', ...env }),
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: program === 'npm' && process.platform === 'win32',
  })
  children.push(child)
  const ended = once(child, 'exit').then(([code, signal]) => code ?? signal)
  const [stdout, stderr] = [text(child.stdout), text(child.stderr)]
  return { child, ended, stdout, stderr }
}

async function succeed(command: readonly string[], env?: Record<string, string>): Promise<string> {
  const { ended, stdout, stderr } = run(command, env)
  const code = await ended
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}:\n${await stderr}${await stdout}`)
  return stdout
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ato heroku '))
  ;[stores, mail, webRouter, functionsRouter] = await Promise.all([
    startManagedStores({ databaseUrl: inject('databaseUrl'), redisUrl: inject('redisUrl') }),
    startMailServer(identity),
    startFrontEnd(heroku, identity),
    startFrontEnd(heroku, identity),
  ])
  await writeFile(join(dir, 'router.pem'), identity.cert)
  settings = {
    ...productionEnv(),
    ...stores.settings,
    ...mail.settings,
    TABLES_CONNECTION: inject('tablesConnection'),
    WEB_ORIGIN: webRouter.origin,
    FUNCTIONS_ORIGIN: functionsRouter.origin,
    // Stands for the public authorities that have signed the platforms' certificates.
    NODE_EXTRA_CA_CERTS: join(dir, 'router.pem'),
  }
  const lines = (await readFile(join(ROOT, 'Procfile'), 'utf8')).trim().split('\n')
  procfile = new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.split(' ').slice(1)]))
})

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await functions?.stop()
  webRouter?.close()
  functionsRouter?.close()
  await mail?.close()
  await stores?.close()
  await rm(dir, { recursive: true, force: true })
})

describe('a push to Heroku', () => {
  it(
    'builds without what .slugignore takes away, and keeps no development dependency',
    async () => {
      await copyTree(dir)
      await applyIgnoreFile('.slugignore', dir)
      await succeed(['npm', 'ci', '--include=dev', '--prefer-offline', '--no-audit', '--no-fund'])
      await succeed(['npm', 'run', 'build'])
      await succeed(['npm', 'prune', '--prefer-offline', '--no-audit', '--no-fund'])
      await expect(access(join(dir, 'node_modules/esbuild'))).rejects.toThrow()
      await expect(access(join(dir, 'lab/start/lab.ts'))).rejects.toThrow()
    },
    2 * NPM_MS,
  )

  it('is released by migrating an empty database over TLS', async () => {
    const { DATABASE_URL = '', DATABASE_CA = '' } = settings
    expect(await succeed(procfile.get('release') ?? [], { DATABASE_URL, DATABASE_CA })).toContain(
      'applied 0001-users.sql',
    )
    const refused = run(procfile.get('release') ?? [], { DATABASE_URL: `${DATABASE_URL}?sslmode=require` })
    expect(await refused.ended).toBe(1)
    expect(await refused.stderr).toContain('self-signed certificate')
  })

  it('gets ready, signs a user in, believes one hop, and ends with 0', async () => {
    functions = await spawnFunctionsHost({
      root: ROOT,
      env: childEnvironment({ NODE_ENV: 'production', ...settings }),
      stateDir: join(dir, 'timers'),
      localSettings: false,
      onStdout: (chunk) => void functionsLines.push(chunk),
    })
    functionsRouter.target = functions.port
    const PORT = String(await freePort())
    const { ATO_WEBHOOK_SECRET, SESSION_SIGNING_KEYS, TOTP_KEY, PASSWORD_PEPPER, SMTP_URL, ...forWeb } = settings
    const web = run(procfile.get('web') ?? [], { ...forWeb, PORT, HOST: '127.0.0.1' })
    webRouter.target = Number(PORT)
    const ended = web.ended.then(async (code) => ({ status: 0, headers: {}, text: `${code}: ${await web.stderr}` }))
    const ready = await untilOk(() => Promise.race([send(`${webRouter.origin}/__ready`), ended]), 20_000)
    expect(JSON.parse(ready.text)).toMatchObject({ status: 'ready' })

    const email = `${randomUUID()}@example.com`
    const fields = `email=${email}&password=long+enough+to+be+one`
    const form = (path: string, body = fields, cookie = '') =>
      send(webRouter.origin + path, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          origin: webRouter.origin,
          'x-lab-client-ip': '203.0.113.77',
          'x-forwarded-for': '192.0.2.66',
          cookie,
        },
        body,
      })
    const registered = await form('/register')
    expect(registered.headers.location).toBe('/register/sent')
    const kept = [registered.headers['set-cookie'] ?? []].flat().find((line) => line.startsWith('__Host-registration='))
    expect(kept).toMatch(/; Max-Age=86400; .*HttpOnly; Secure; SameSite=Lax/)
    const confirmed = await form('/confirm', `token=${await mail.codeTo(email)}`, kept?.split(';')[0])
    expect(confirmed.headers.location).toBe('/login?notice=confirmed')
    const login = await form('/login')
    const cookie = [login.headers['set-cookie'] ?? []].flat().find((line) => line.startsWith('__Host-session='))
    expect(cookie).toMatch(/; Secure/)
    const dashboard = await send(`${webRouter.origin}/dashboard`, { headers: { cookie: cookie?.split(';')[0] ?? '' } })
    expect([dashboard.status, dashboard.text.includes(email)]).toEqual([200, true])
    const events = functionsLines
      .join('')
      .split('\n')
      .filter((line) => line.includes('"evt":"login"'))
    expect(events.map((line) => JSON.parse(line))).toMatchObject([
      { outcome: 'success', ip: '203.0.113.77', via: 'web' },
    ])

    web.child.kill('SIGTERM')
    // Windows knows no SIGTERM: there the process is simply gone.
    if (process.platform !== 'win32') expect(await web.ended).toBe(0)
    for (const line of (await web.stdout).trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('service')
  }, 60_000)
})
