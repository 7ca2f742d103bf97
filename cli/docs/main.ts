import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { configurationPage } from './configuration.ts'
import { decisionsPage } from './decisions.ts'
import { detectionsPage } from './detections.ts'

/** Writes what the docs say of the code and the detections from those themselves: `npm run docs`. */
const root = join(import.meta.dirname, '../..')
try {
  const pages = {
    'docs/configuration.md': configurationPage(),
    'docs/decisions.md': await decisionsPage(root),
    'docs/detections.md': await detectionsPage(root),
  }
  for (const [path, text] of Object.entries(pages)) {
    await writeFile(join(root, path), text)
    console.log(`${path} is written`)
  }
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
