import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { migrateVariables, webVariables } from '../shared/config.ts'
import { ROOT } from './rehearsal/files.ts'

const app = JSON.parse(await readFile(join(ROOT, 'app.json'), 'utf8'))
const described = Object.entries<Record<string, unknown>>(app.env)

/** Variables that app.json leaves out, with the reason. */
const NOT_DESCRIBED: Readonly<Record<string, string>> = {
  ATO_LAB: 'of the lab alone',
  LAB_MAILBOX_URL: 'of the lab alone',
  DATABASE_URL: 'set by heroku-postgresql',
  REDIS_URL: 'set by heroku-redis',
  PORT: 'set by the dyno',
  HOST: 'a dyno listens on every interface, which is the default',
}

it('app.json describes exactly what web and the release read', () => {
  const read = new Set([...webVariables, ...migrateVariables])
  const wanted = [...read].filter((name) => !(name in NOT_DESCRIBED))
  expect(described.map(([name]) => name).sort()).toEqual(wanted.sort())
  for (const [, { description }] of described) expect(description).toMatch(/.\.$/)
})

it('app.json holds no secret: it lets Heroku make one, or asks', () => {
  const secrets = described.filter(([name]) => /SECRET|KEY|_CONNECTION/.test(name))
  expect(secrets.length).toBeGreaterThan(2)
  for (const [, entry] of secrets) expect(entry).not.toHaveProperty('value')
  const generated = described.filter(([, entry]) => entry.generator === 'secret').map(([name]) => name)
  expect(generated).toEqual(['ATO_HMAC_SECRET', 'DEVICE_HASH_KEY'])
})

it('app.json asks for the stores by their present names, on a stack that exists', () => {
  expect(app.addons).toEqual([{ plan: 'heroku-postgresql:essential-0' }, { plan: 'heroku-redis:mini' }])
  expect([app.stack, app.buildpacks]).toEqual(['heroku-24', [{ url: 'heroku/nodejs' }]])
})

it('every line of the Procfile starts node on a file that the build makes', async () => {
  const lines = (await readFile(join(ROOT, 'Procfile'), 'utf8')).trim().split('\n')
  expect(lines.map((line) => line.split(': ')[0])).toEqual(['release', 'web'])
  for (const line of lines) {
    const [, file = ''] = /^[a-z]+: node (dist\/\S+\.js)$/.exec(line) ?? []
    await access(join(ROOT, file))
  }
})
