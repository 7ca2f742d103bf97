import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const BUILT = ['./scan-worker.js', './replay/threads/scan-worker.js', '../replay/threads/scan-worker.js']

/** The program of the workers, as `new Worker` takes it. */
export interface WorkerProgram {
  readonly program: string | URL
  readonly eval: boolean
}

/** The built file; where the sources run without a build, a bundle of them, because Node 20 does not read TypeScript. */
export async function workerProgram(): Promise<WorkerProgram> {
  const built = BUILT.map((path) => new URL(path, import.meta.url)).find((url) => existsSync(url))
  if (built) return { program: built, eval: false }
  const { build } = await import('esbuild')
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('./scan-worker.ts', import.meta.url))],
    ...{ bundle: true, write: false, platform: 'node', format: 'cjs', target: 'node20', logLevel: 'silent' },
  })
  return { program: outputFiles[0]?.text ?? '', eval: true }
}
