import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { beforeAll, expect, test } from 'vitest'
import { verbs } from './cli/verbs.ts'
import { ran } from './testing/packed.ts'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const read = (path: string) => readFile(join(HERE, path), 'utf8')

/** A file that a page shows, named at the end of the sentence before it; or what a person types, and sees. */
type Block =
  | { readonly kind: 'file'; readonly path: string; readonly text: string }
  | { readonly kind: 'console'; readonly command: string; readonly shown: string }

function blocksOf(page: string): Block[] {
  const blocks = page.matchAll(/(?:`([\w./-]+)`:\n\n)?```(\w+)\n([\s\S]*?)```/g)
  return [...blocks].flatMap(([, path, language, text = '']): Block[] => {
    if (path !== undefined) return [{ kind: 'file', path, text }]
    const [, command = '', shown = ''] = /^\$ npx (.*)\n([\s\S]*)$/.exec(text) ?? []
    return language === 'console' ? [{ kind: 'console', command, shown }] : []
  })
}

/** Words of a command; what stands in quotes is one word. */
const wordsOf = (command: string): string[] =>
  [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '')

let folder: string
/** The command as one file, because two dozen starts from the sources take a second each. */
let program: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'readme '))
  // Beside the installed packages, which it imports.
  const built = await mkdtemp(fileURLToPath(new URL('../node_modules/.alertproof-', import.meta.url)))
  program = join(built, 'main.mjs')
  const options = { bundle: true, packages: 'external', platform: 'node', format: 'esm', target: 'node20' } as const
  await build({ ...options, entryPoints: [join(HERE, 'cli/main.ts')], outfile: program })
  return () => Promise.all([folder, built].map((path) => rm(path, { recursive: true })))
})

/** Does what a page says, from top to bottom. */
async function follow(page: string): Promise<void> {
  for (const block of blocksOf(await read(page))) {
    if (block.kind === 'file') {
      await mkdir(dirname(join(folder, block.path)), { recursive: true })
      await writeFile(join(folder, block.path), block.text)
      continue
    }
    const [command, ...argv] = wordsOf(block.command)
    expect(command, block.command).toBe('alertproof')
    const { out, err } = await ran(process.execPath, [program, ...argv], folder)
    expect(`${out}${err}`, block.command).toBe(block.shown)
  }
}

test('whoever types what README and the pages show sees what they show', { timeout: 120_000 }, async () => {
  const pages = (await readdir(join(HERE, 'docs'))).filter((name) => name.endsWith('.md'))
  await follow('README.md')
  for (const page of pages.filter((name) => name !== 'ci.md')) await follow(`docs/${page}`)
})

test('each verb is in the table of README, has --json and --help, and its page names each of its options', async () => {
  const readme = await read('README.md')
  for (const [verb, load] of Object.entries(verbs)) {
    expect(readme).toContain(`| [\`alertproof ${verb}\`](docs/${verb}.md) |`)
    const page = await read(`docs/${verb}.md`)
    const { command } = await load()
    const options = [...command.usage.matchAll(/^ {2}(--\w[\w-]*)/gm)].map(([, option = '']) => option)
    expect(options, verb).toEqual(expect.arrayContaining(['--json', '--help']))
    const named = [...page.matchAll(/`(--\w[\w-]*)/g)].map(([, option = '']) => option)
    expect(new Set([...named, '--help']), `the page of ${verb}`).toEqual(new Set([...options, '--help']))
  }
})
