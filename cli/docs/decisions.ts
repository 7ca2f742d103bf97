import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A choice of the evaluator where Datadog's documentation says nothing, as its comment in the code tells it. */
export interface Decision {
  readonly name: string
  readonly text: string
  /** Where it is taken, from the root. */
  readonly file: string
}

/** The evaluator, and what the stand-in adds to it. */
const FOLDERS = ['evaluator', 'lab/datadog']

/** Finds every comment that begins "Decision" with a name, up to the end of its paragraph or its first `@` tag. */
export async function decisionsIn(root: string): Promise<Decision[]> {
  const files = await Promise.all(FOLDERS.map((folder) => sourcesIn(root, folder)))
  const found = await Promise.all(
    files.flat().map(async (file) => decisionsOf(await readFile(join(root, file), 'utf8'), file)),
  )
  return found.flat().sort((a, b) => (a.name < b.name ? -1 : 1))
}

async function sourcesIn(root: string, folder: string): Promise<string[]> {
  const files = (await readdir(join(root, folder), { recursive: true })).map((file) => file.replaceAll('\\', '/'))
  return files
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .sort()
    .map((file) => `${folder}/${file}`)
}

const begins = /Decision `([\w-]+)`[,:]?\s*(.*)$/
const prefix = /^\s*(?:\/\*\*|\/\/|\*(?!\/))\s?/

function decisionsOf(source: string, file: string): Decision[] {
  const lines = source.split('\n')
  return lines.flatMap((line, at) => {
    const [, name, first = ''] = begins.exec(line) ?? []
    if (name === undefined || !prefix.test(line)) return []
    const parts = [first]
    for (let i = at + 1; !parts.at(-1)?.includes('*/'); i++) {
      const next = lines[i] ?? ''
      const said = next.replace(prefix, '').trim()
      if (!prefix.test(next) || said === '' || said.startsWith('@') || begins.test(next)) break
      parts.push(said)
    }
    const text = parts
      .join(' ')
      .replace(/\s*\*\/.*$/, '')
      .trim()
    return [{ name, text: text.charAt(0).toUpperCase() + text.slice(1), file }]
  })
}

/** docs/decisions.md, whole. */
export async function decisionsPage(root: string): Promise<string> {
  const rows = (await decisionsIn(root)).map(
    ({ name, text, file }) => `| \`${name}\` | ${text.replaceAll('|', '\\|')} | [${file}](../${file}) |`,
  )
  return `# Decisions of the evaluator

Where Datadog's documentation leaves open how a log monitor behaves, [the evaluator](evaluator.md) takes a choice, gives it a
name in the code, and keeps to it. If Datadog behaves differently in your account, this is the list to look at first. Written by
\`npm run docs\` from the comments in \`evaluator/\` and \`lab/datadog/\`.

| decision | what | where |
| --- | --- | --- |
${rows.join('\n')}
`
}
