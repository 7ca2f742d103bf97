import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const MAIN = fileURLToPath(new URL('../../lab/functions-host/main.ts', import.meta.url))

/**
 * Compiles the embedded Functions host to one file: from its sources it needs seconds to start, and this suite restarts
 * it hundreds of times.
 * @returns the file
 */
export async function bundleHost(dir: string): Promise<string> {
  await mkdir(dir, { recursive: true })
  const outfile = join(dir, 'functions-host.mjs')
  const banner = "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);"
  await build({
    entryPoints: [MAIN],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
    banner: { js: banner },
  })
  return outfile
}
