import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A choice of the evaluator that Datadog's documentation leaves open, read from its comment in the code. */
export interface Decision {
  readonly name: string
  readonly text: string
  /** The file of the comment, from the root. */
  readonly file: string
}

/** The evaluator and the stand-in for Datadog. */
const FOLDERS = ['evaluator', 'lab/datadog']

/** Finds every comment that begins with "Decision" and a name, up to the end of its paragraph or its first `@` tag. */
export async function decisionsIn(root: string): Promise<Decision[]> {
  const files = await Promise.all(FOLDERS.map((folder) => sourcesIn(root, folder)))
  const found = await Promise.all(
    files.flat().map(async (file) => decisionsOf(await readFile(join(root, file), 'utf8'), file)),
  )
  return found.flat().sort((a, b) => (a.name < b.name ? -1 : 1))
}

async function sourcesIn(root: string, folder: string): Promise<string[]> {
  const files = (await readdir(join(root, folder), { recursive: true })).map((file) => file.replaceAll('\\', '/'))
  return (
    files
      // A build leaves the comments in its types, too.
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts') && !file.endsWith('.test.ts'))
      .sort()
      .map((file) => `${folder}/${file}`)
  )
}

const BEGINNING = /Decision `([\w-]+)`[,:]?\s*(.*)$/
const PREFIX = /^\s*(?:\/\*\*|\/\/|\*(?!\/))\s?/

function decisionsOf(source: string, file: string): Decision[] {
  const lines = source.split('\n')
  return lines.flatMap((line, at) => {
    const [, name, first = ''] = BEGINNING.exec(line) ?? []
    if (name === undefined || !PREFIX.test(line)) return []
    const parts = [first]
    for (let i = at + 1; !parts.at(-1)?.includes('*/'); i++) {
      const next = lines[i] ?? ''
      const continued = next.replace(PREFIX, '').trim()
      if (!PREFIX.test(next) || continued === '' || continued.startsWith('@') || BEGINNING.test(next)) break
      parts.push(continued)
    }
    const text = parts
      .join(' ')
      .replace(/\s*\*\/.*$/, '')
      .trim()
    return [{ name, text: text.charAt(0).toUpperCase() + text.slice(1), file }]
  })
}

/** @returns docs/decisions.md */
export async function decisionsPage(root: string): Promise<string> {
  const rows = (await decisionsIn(root)).map(
    ({ name, text, file }) => `| \`${name}\` | ${text.replaceAll('|', '\\|')} | [${file}](../${file}) |`,
  )
  return `# Decisions of the evaluator

Datadog's documentation leaves open some details of how a log monitor behaves. For each, [the evaluator](evaluator.md) makes
one choice and names it in the code. If Datadog behaves differently in your account, look at this list first. \`npm run docs\`
writes it from the comments in \`evaluator/\` and \`lab/datadog/\`.

| decision | what | where |
| --- | --- | --- |
${rows.join('\n')}
`
}
