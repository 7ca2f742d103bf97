import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const EVALUATOR = fileURLToPath(new URL('..', import.meta.url))
const ROOT = dirname(EVALUATOR)

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** The package as `npm pack` makes it. */
export interface Packed {
  /** A folder that is the test's own. */
  readonly dir: string
  readonly tarball: string
  /** The manifest of the copy that was packed, before and after. */
  readonly manifests: readonly [before: string, after: string]
}

/** Packs a copy of the package: packing turns the exports for its time, and other tests import the sources. */
export async function pack(): Promise<Packed> {
  const dir = await mkdtemp(join(tmpdir(), 'alertproof '))
  const copy = join(dir, 'copy/evaluator')
  await mkdir(dirname(copy))
  await cp(EVALUATOR, copy, { recursive: true, filter: (path) => !/^(dist|node_modules)$/.test(basename(path)) })
  await cp(join(ROOT, 'tsconfig.json'), join(dir, 'copy/tsconfig.json'))
  await symlink(join(ROOT, 'node_modules'), join(dir, 'copy/node_modules'), 'junction')
  const manifest = () => readFile(join(copy, 'package.json'), 'utf8')
  const before = await manifest()
  const { code, out, err } = await npm(copy, 'pack', '--pack-destination', dir, '--silent')
  if (code !== 0) throw new Error(err)
  return { dir, tarball: join(dir, out.trim().split('\n').at(-1) ?? ''), manifests: [before, await manifest()] }
}

/** Runs npm as a person does who has an empty folder. @param cwd where */
export const npm = (cwd: string, ...argv: string[]): Promise<Ran> =>
  ran(process.execPath, [npmProgram(), ...argv], cwd, npmEnvironment())

export function ran(program: string, argv: string[], cwd: string, env: NodeJS.ProcessEnv = process.env): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(program, argv, { cwd, env }, (error, out, err) => {
      const code = error ? (typeof error.code === 'number' ? error.code : 1) : 0
      resolve({ code, out, err: err || (code !== 0 && out === '' ? String(error?.message) : err) })
    })
  })
}

/** Whether a failure of npm says that no registry could be reached. */
export const isOffline = ({ code, err }: Ran): boolean =>
  code !== 0 && /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENOTCACHED|ENETUNREACH/.test(err)

/** npm's own program: Windows starts no `npm.cmd` without a shell. */
function npmProgram(): string {
  const given = process.env.npm_execpath
  const beside = dirname(process.execPath)
  const places = [join(beside, 'node_modules'), join(beside, '../lib/node_modules'), '/usr/share/nodejs']
  const candidates = [
    ...(given?.endsWith('npm-cli.js') ? [given] : []),
    ...places.map((place) => join(place, 'npm/bin/npm-cli.js')),
  ]
  const found = candidates.find((file) => existsSync(file))
  if (found === undefined) throw new Error(`npm is in none of: ${candidates.join(', ')}`)
  return found
}

/** Without what `npm test` says of this project, and without the notice of a newer npm. */
function npmEnvironment(): NodeJS.ProcessEnv {
  const ofProject = /^npm_(package_|lifecycle_|config_(local_|global_)?prefix$|command$)/
  const kept = Object.entries(process.env).filter(([name]) => !ofProject.test(name))
  return { ...Object.fromEntries(kept), npm_config_update_notifier: 'false', npm_config_prefer_offline: 'true' }
}
