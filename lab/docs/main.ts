import { writeFile } from 'node:fs/promises'
import { configurationPage } from './configuration.ts'

/** Writes what the docs say of the code from the code itself: `npm run docs`. */
const page = new URL('../../docs/configuration.md', import.meta.url)
await writeFile(page, configurationPage())
console.log('docs/configuration.md is written')
