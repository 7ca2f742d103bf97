import { execFile } from 'node:child_process'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build as esbuild } from 'esbuild'
import { build } from '../build.mjs'
import { childEnvironment } from '../lab/processes/environment.ts'
import { productionEnv } from '../test/env.ts'
import { alternate, type Comparison } from './rounds.ts'
import { inTemporaryFolder } from './stopping.ts'

const ROOT = join(import.meta.dirname, '..')
const LOADER = join(import.meta.dirname, 'load-app.mjs')

/** The result of one load in a fresh process. */
interface Load {
  readonly milliseconds: number
  readonly functions: readonly string[]
}

/**
 * Measures the load time of the deployed file against the same sources transpiled file by file with their dependencies in
 * node_modules. A cold start must load them before it can answer.
 */
export async function benchLoadTime({ rounds = 9 }: { rounds?: number } = {}): Promise<Comparison> {
  await build()
  // Below the project, so that its node_modules are found.
  await mkdir(join(ROOT, '.lab'), { recursive: true })
  return inTemporaryFolder(join(ROOT, '.lab', 'unbundled-'), async (dir) => {
    await transpile(dir)
    const bundled = () => load(join(ROOT, 'dist', 'functions.cjs'))
    const unbundled = () => load(join(dir, 'functions', 'index.js'))
    // The first load reads from the disk, later ones from the page cache.
    const [one, other] = [await bundled(), await unbundled()]
    if (one.functions.length === 0 || `${one.functions}` !== `${other.functions}`) {
      throw new Error(`not the same app: ${one.functions} and ${other.functions}`)
    }
    const { a, b } = await alternate(rounds, bundled, unbundled)
    const milliseconds = (loads: readonly Load[]) => loads.map((each) => each.milliseconds)
    return {
      name: 'load over unbundled load',
      measured: { what: 'loading dist/functions.cjs', unit: 'ms', rounds: milliseconds(a) },
      peer: { what: 'loading its sources, file by file', unit: 'ms', rounds: milliseconds(b) },
      bound: { atMost: 0.4 },
    }
  })
}

async function load(file: string): Promise<Load> {
  const { stdout } = await promisify(execFile)(process.execPath, [LOADER, file], {
    cwd: ROOT,
    env: childEnvironment({ NODE_ENV: 'production', ...productionEnv() }),
  })
  // Log lines may precede the result.
  return JSON.parse(stdout.slice(stdout.lastIndexOf('{"milliseconds"'))) as Load
}

/** Transpiles each source file to one ES module; imports from node_modules stay external. */
async function transpile(outdir: string): Promise<void> {
  const folders = ['functions', 'shared']
  const files = await Promise.all(
    folders.map(async (folder) => {
      const names = await readdir(join(ROOT, folder), { recursive: true })
      return names.filter((name) => /(?<!\.test)\.ts$/.test(name)).map((name) => join(folder, name))
    }),
  )
  await esbuild({
    absWorkingDir: ROOT,
    entryPoints: files.flat(),
    outbase: '.',
    outdir,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'silent',
    define: { __dirname: 'import.meta.dirname' },
    plugins: [
      {
        name: 'file by file',
        setup: ({ onResolve }) =>
          onResolve({ filter: /^\.{1,2}\/.*\.ts$/ }, ({ kind, path }) =>
            kind === 'entry-point' ? undefined : { path: path.replace(/\.ts$/, '.js'), external: true },
          ),
      },
    ],
  })
}
