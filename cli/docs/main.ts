import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { configurationPage } from './configuration.ts'
import { decisionsPage } from './decisions.ts'
import { detectionsPage } from './detections.ts'

/** `npm run docs`: writes the pages that are generated from the code and the detections. */
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
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
