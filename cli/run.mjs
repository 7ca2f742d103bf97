// node cli/run.mjs <script.ts> [arguments]: runs one of this project's TypeScript programs. It checks the version of Node
// and the installed packages first, without loading any dependency, so that a missing one gives a sentence and no stack.
import './supported.mjs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Node's message for a missing package. */
const MISSING = /^Cannot find package '([^']+)'/

const require = createRequire(import.meta.url)
try {
  require.resolve('tsx')
} catch {
  fail('The dependencies of this project are not installed. Run: npm ci')
}

await import('tsx')
const script = resolve(process.argv[2])
// The program sees its arguments as if it had been started directly.
process.argv.splice(1, 2, script)
try {
  await import(pathToFileURL(script).href)
} catch (error) {
  const [, name] = (error.code === 'ERR_MODULE_NOT_FOUND' && MISSING.exec(error.message)) || []
  if (name === undefined) throw error
  fail(`The package ${name} is not installed, or not in the version that this project needs. Run: npm ci`)
}

function fail(sentence) {
  process.stderr.write(`${sentence}\n`)
  process.exit(1)
}
