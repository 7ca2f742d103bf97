import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openConsole } from '../../../cli/console/open.ts'
import { startLab } from '../../../lab/start/lab.ts'
import { removeLab } from '../../../lab/stores/remove.ts'
import { launchBrowser } from '../launch.ts'
import { takePictures } from './scenes.ts'

const USAGE = `Usage: npm run pictures

Starts a lab of its own and a browser, steals a session from the console, and writes the pictures of it and an animation into
docs/images.
`

const words = process.argv.slice(2)
const asksForHelp = words.length === 1 && words[0] === '--help'
if (words.length > 0) {
  if (asksForHelp) process.stdout.write(USAGE)
  else process.stderr.write(`Unexpected argument "${words[0]}": this command takes none.\n`)
  process.exit(asksForHelp ? 0 : 2)
}

const IMAGES = join(import.meta.dirname, '../../../docs/images')

const browser = await launchBrowser()
const dir = await mkdtemp(join(tmpdir(), 'ato pictures '))
const opened = openConsole(dir, () => {})
try {
  const ports = { web: 0, functions: 0, datadog: 0 }
  const lab = await startLab({ dir, ports, log: () => {}, console: opened.ports })
  try {
    for (const [name, file] of await takePictures(browser, lab)) {
      await writeFile(join(IMAGES, name), file)
      console.log(`docs/images/${name}: ${Math.ceil(file.length / 1024)} KiB`)
    }
  } finally {
    await opened.close()
    await lab.stop()
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
} finally {
  await browser.close()
  await removeLab(dir)
  await rm(dir, { recursive: true, force: true })
}
