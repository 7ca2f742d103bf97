import { createPrivateKey, sign, verify } from 'node:crypto'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseFunctionsConfig, parseWebConfig } from '../../shared/config.ts'
import { appEnvironments, RUM } from './environment.ts'
import { loadSecrets } from './secrets.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ato secrets '))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

test('secrets are created once and kept', async () => {
  const first = await loadSecrets(dir)
  expect(await loadSecrets(dir)).toEqual(first)
})

test('ten concurrent starts get the same secrets', async () => {
  const all = await Promise.all(Array.from({ length: 10 }, () => loadSecrets(dir)))
  expect(new Set(all.map((secrets) => JSON.stringify(secrets))).size).toBe(1)
})

test('two labs share no secret', async () => {
  const other = await mkdtemp(join(tmpdir(), 'ato secrets '))
  const [one, two] = await Promise.all([loadSecrets(dir), loadSecrets(other)])
  await rm(other, { recursive: true })
  for (const [name, value] of Object.entries(one)) expect(Object.values(two), name).not.toContain(value)
})

test('every secret of an app begins with lab- and is long enough', async () => {
  const { SESSION_SIGNING_KEYS, TABLES_ACCOUNT_KEY: _, ...plain } = await loadSecrets(dir)
  for (const [name, value] of Object.entries(plain)) expect(value, name).toMatch(/^lab-[\w-]{32,}$/)
  expect(JSON.parse(SESSION_SIGNING_KEYS).keys[0].kid).toMatch(/^lab-/)
})

test.skipIf(process.platform === 'win32')('only their owner can read them', async () => {
  await loadSecrets(dir)
  expect((await stat(join(dir, 'secrets.json'))).mode & 0o777).toBe(0o600)
})

test('the signing key can sign', async () => {
  const [jwk] = JSON.parse((await loadSecrets(dir)).SESSION_SIGNING_KEYS).keys
  expect(jwk).toMatchObject({ alg: 'EdDSA', use: 'sig', crv: 'Ed25519' })
  const key = createPrivateKey({ key: jwk, format: 'jwk' })
  const data = Buffer.from('a token')
  expect(verify(null, data, key, sign(null, data, key))).toBe(true)
})

test('both apps accept the lab’s configuration, and refuse it outside the lab', async () => {
  const stores = { DATABASE_URL: 'postgres://x/y', REDIS_URL: 'redis://x', TABLES_CONNECTION: 'AccountName=x;' }
  const origins = { web: 'http://localhost:8000', functions: 'http://localhost:7071' }
  const rumUrl = 'http://127.0.0.1:8126/rum'
  const mail = { smtpUrl: 'smtp://lab:x@127.0.0.1:2525', mailboxUrl: 'http://127.0.0.1:8126/mail' }
  const apiUrl = 'http://127.0.0.1:8126'
  const secrets = await loadSecrets(dir)
  const { web, functions } = appEnvironments({ secrets, stores, origins, mail, rumUrl, apiUrl })
  expect(parseWebConfig(web)).toMatchObject({ RUM_APP_ID: RUM.id, RUM_PROXY: rumUrl, LAB_MAILBOX_URL: mail.mailboxUrl })
  expect(() => parseWebConfig({ ...web, ATO_LAB: '0' })).toThrow('LAB_MAILBOX_URL: is for the lab only')
  expect(parseFunctionsConfig(functions).DD_API_URL).toBe(apiUrl)
  expect(web).not.toHaveProperty('DD_APP_KEY')
  expect(() => parseWebConfig(web)).not.toThrow()
  expect(() => parseFunctionsConfig({ ...functions, ATO_LAB: '0' })).toThrow('ATO_HMAC_SECRET')
})

test('an incomplete file is refused with the name of the missing secret and without values', async () => {
  const secrets = await loadSecrets(dir)
  const path = join(dir, 'secrets.json')
  const { TOTP_KEY: _, ...rest } = JSON.parse(await readFile(path, 'utf8'))
  await writeFile(path, JSON.stringify(rest))
  const error = await loadSecrets(dir).catch((caught: Error) => caught.message)
  expect(error).toContain('TOTP_KEY')
  expect(error).toContain('npm run lab:reset')
  expect(error).not.toContain(secrets.PASSWORD_PEPPER)
})

test('a file that is not JSON is refused with a remedy', async () => {
  await writeFile(join(dir, 'secrets.json'), '{"ATO_HMAC')
  await chmod(join(dir, 'secrets.json'), 0o600)
  await expect(loadSecrets(dir)).rejects.toThrow('npm run lab:reset')
})
