import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { configurationPage } from './configuration.ts'
import { decisionsPage } from './decisions.ts'
import { detectionsPage } from './detections.ts'

const USAGE = `Usage: npm run docs

Writes the pages that are generated from the code and the detections: docs/configuration.md, docs/decisions.md and
docs/detections.md.
`

const words = process.argv.slice(2)
const asksForHelp = words.length === 1 && words[0] === '--help'
if (words.length > 0) {
  if (asksForHelp) process.stdout.write(USAGE)
  else process.stderr.write(`Unexpected argument "${words[0]}": this command takes none.\n`)
  process.exit(asksForHelp ? 0 : 2)
}

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
