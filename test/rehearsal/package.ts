import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { copyTree, keptBy, ROOT } from './files.ts'

/** What lies about where people deploy from, and must not travel. */
const LITTER = [
  '.env',
  '.lab/secrets.json',
  '.azure/prod/.env',
  '.vscode/settings.json',
  'local.settings.json',
  'node_modules/left-pad/index.js',
  'npm-debug.log',
  'coverage/index.html',
]

/** A built checkout as people have it, in `to`. */
export async function copyBuiltCheckout(to: string): Promise<void> {
  await copyTree(to)
  await cp(join(ROOT, 'dist'), join(to, 'dist'), { recursive: true })
  for (const path of LITTER) {
    await mkdir(dirname(join(to, path)), { recursive: true })
    await writeFile(join(to, path), 'litter')
  }
}

/** Copies what `.funcignore` leaves of a checkout. @returns its paths, and the size of everything compressed, in bytes */
export async function packFunctions(checkout: string, to: string): Promise<{ paths: string[]; bytes: number }> {
  const paths = (await keptBy('.funcignore', checkout)).sort()
  let bytes = 0
  for (const path of paths) {
    await cp(join(checkout, path), join(to, path))
    // As zip does it, and azd with it: each file for itself.
    bytes += gzipSync(await readFile(join(to, path))).length
  }
  return { paths, bytes }
}
