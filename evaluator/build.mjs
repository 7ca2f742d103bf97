// npm run build -w evaluator: the package in dist/, as it is published. JavaScript by esbuild, types by tsc.
import { execFile } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build as bundle } from 'esbuild'
import { sourcesOf } from './manifest.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))

await rm(join(here, 'dist'), { recursive: true, force: true })
const { exports } = JSON.parse(await readFile(join(here, 'package.json'), 'utf8'))
await Promise.all([
  bundle({
    absWorkingDir: here,
    entryPoints: ['cli/main.ts', 'replay/threads/scan-worker.ts', ...sourcesOf(exports)],
    outbase: '.',
    outdir: 'dist',
    bundle: true,
    // What entries share is one chunk, so that a class is the same class in each of them.
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  }),
  types(),
])

/** @throws with what tsc prints */
async function types() {
  const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'))
  const argv = [join(typescript, 'bin/tsc'), '-p', join(here, 'tsconfig.build.json')]
  await promisify(execFile)(process.execPath, argv).catch(({ stdout, message }) => {
    throw new Error(stdout || message)
  })
}
