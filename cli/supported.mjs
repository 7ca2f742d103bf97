// Ends the process with one sentence if this Node is too old. It loads nothing, so that it runs on any Node.
import { readFileSync } from 'node:fs'

const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const [, major, minor] = /^\^(\d+)\.(\d+)/.exec(engines.node).map(Number)
const [actualMajor, actualMinor] = process.versions.node.split('.').map(Number)
if (actualMajor < major || (actualMajor === major && actualMinor < minor)) {
  process.stderr.write(
    `This project needs Node ${major}.${minor} or later; this is ${process.version}. Install Node 24 or 22, then run: npm ci\n`,
  )
  process.exit(1)
}
