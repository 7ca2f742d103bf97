import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { functionsVariables, parseFunctionsConfig } from '../shared/config.ts'
import { parseTemplate, readTemplate } from './bicep.ts'
import { productionEnv } from './env.ts'
import { ROOT } from './rehearsal/files.ts'

const MAIN = join(ROOT, 'infra/main.bicep')
const template = await readTemplate(MAIN)
const read = (path: string) => readFile(join(ROOT, path), 'utf8')

/** What the functions could read and are not given on Azure, and why. */
const NOT_THERE: Readonly<Record<string, string>> = {
  ATO_LAB: 'of the lab alone',
  TLS_INSECURE: 'both authorities are pinned',
  REDIS_CLUSTER: 'the store is one server',
  TABLES_CONNECTION: 'the account has no keys: TABLES_URL',
  AZURE_TENANT_ID: 'of hosts without a managed identity',
  AZURE_CLIENT_SECRET: 'of hosts without a managed identity',
}
const PLATFORM = /^AzureWebJobsStorage__/

it('the template is grammatical Bicep, and a fault in it would be found where it is', async () => {
  expect(template.faults).toEqual([])
  const broken = await parseTemplate("param a string = 'x'\nvar b = {\n  c 'd'\n}\n")
  expect(broken.faults.map((fault) => fault.split(':')[0])).toContain('3')
})

it('the settings of the template are exactly what the functions read', () => {
  const settings = template.properties('settings').filter((name) => !PLATFORM.test(name))
  const wanted = functionsVariables.filter((name) => !(name in NOT_THERE))
  expect(settings.sort()).toEqual([...wanted].sort())
})

it('the template makes every table that the stores open, and no other', async () => {
  const sourcesIn = async (folder: string) => {
    const files = (await readdir(join(ROOT, folder))).filter((name) => !name.endsWith('.test.ts'))
    return Promise.all(files.map((name) => read(join(folder, name))))
  }
  const folders = await Promise.all(['shared/stores/tables', 'functions/stores/tables'].map(sourcesIn))
  const sources = folders.flat().join('\n')
  const opened = new Set([...sources.matchAll(/\.open\('(\w+)'\)/g)].map(([, name]) => name))
  expect(template.array('tableNames').sort()).toEqual([...opened].sort())
})

it('the template hands out no key, and takes no secret as a parameter', async () => {
  const source = await read('infra/main.bicep')
  expect(source).toContain('allowSharedKeyAccess: false')
  expect(source).not.toMatch(/listKeys|AccountKey|@secure|ConnectionString/)
})

it('every parameter without a default has a value of azd, and every value a parameter', async () => {
  const { parameters } = JSON.parse(await read('infra/main.parameters.json'))
  const required = [...template.parameters].filter(([, hasDefault]) => !hasDefault).map(([name]) => name)
  expect(required).toEqual(['environmentName', 'webOrigin', 'mailFrom', 'principalId'])
  expect(Object.keys(parameters)).toEqual(expect.arrayContaining(required))
  for (const name of Object.keys(parameters)) expect(template.parameters.has(name), name).toBe(true)
})

const GUIDE = 'docs/deploy-azure.md'

it('the guide puts every secret into the vault that the template takes from it', async () => {
  const taken = [...(await read('infra/main.bicep')).matchAll(/\$\{secret\}([A-Z-]+)\)/g)].map(([, name]) => name)
  const put = [...(await read(GUIDE)).matchAll(/\bput ([A-Z-]+)/g)].map(([, name]) => name)
  expect([...put, 'DD-API-KEY', 'DD-APP-KEY'].sort()).toEqual(taken.sort())
})

it('the guide makes signing keys that the functions take', async () => {
  const [, program = ''] = /^node -e '(.+)' \| put SESSION-SIGNING-KEYS$/m.exec(await read(GUIDE)) ?? []
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', program])
  const { SESSION_SIGNING_KEYS } = parseFunctionsConfig({ ...productionEnv(), SESSION_SIGNING_KEYS: stdout })
  expect(SESSION_SIGNING_KEYS).toHaveLength(1)
})

it('azd uploads the local build, and Azure builds nothing', async () => {
  const { services } = parse(await read('azure.yaml'))
  expect(services.api).toMatchObject({ project: '.', host: 'function', remoteBuild: false })
  // With `remoteBuild: false` azd refuses a .funcignore that names the folder itself.
  expect((await read('.funcignore')).split('\n')).not.toContain('node_modules/')
})

/**
 * Core Tools read each line as the beginning of a path, `*` as all but a slash.
 * @see Azure/azure-functions-core-tools, GitIgnoreParser.cs
 */
async function coreToolsIgnore(): Promise<RegExp> {
  const lines = (await read('.funcignore')).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  const patterns = lines.map((line) => line.replace(/[-[\]/{}()+?.\\^$|]/g, '\\$&').replaceAll('*', '([^\\/]+)'))
  return new RegExp(`^((${patterns.join(')|(')}))\\b`)
}

it('Core Tools read .funcignore as azd does', async () => {
  const ignored = await coreToolsIgnore()
  const built = await readdir(join(ROOT, 'dist'), { recursive: true, withFileTypes: true })
  const dist = built.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const paths = dist.map((path) => path.slice(ROOT.length + 1).replaceAll('\\', '/'))
  const others = [
    'host.json',
    'package.json',
    'package-lock.json',
    'node_modules/pg/lib/index.js',
    'web/app.ts',
    '.env',
  ]
  const kept = [...paths, ...others].filter((path) => !ignored.test(path) && !path.endsWith('.new'))
  expect(kept.sort()).toEqual([
    'dist/functions.cjs',
    'dist/hash-worker.cjs',
    'dist/identity.cjs',
    'dist/strength-worker.cjs',
    'host.json',
    'package.json',
  ])
})
