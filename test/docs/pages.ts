import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

export interface Block {
  readonly language: string
  readonly text: string
  /** The page above it. */
  readonly before: string
}

/** A page of the docs, by its path in the repository. */
export interface Page {
  readonly path: string
  readonly text: string
  readonly blocks: readonly Block[]
  /** Everything that is not in a block. */
  readonly prose: string
  /** What `#…` may name. */
  readonly anchors: ReadonlySet<string>
}

const FENCE = /^[ \t]*(```+)(\w*)\n([\s\S]*?)^[ \t]*\1$/gm

export async function loadPages(): Promise<Page[]> {
  const folders = ['.', 'docs', 'docs/lessons', 'runbooks']
  const paths = await Promise.all(
    folders.map(async (folder) => {
      const names = (await readdir(join(ROOT, folder))).filter((name) => name.endsWith('.md'))
      return names.map((name) => posix.join(folder, name))
    }),
  )
  return Promise.all(
    paths
      .flat()
      .sort()
      .map(async (path) => pageOf(path, await readFile(join(ROOT, path), 'utf8'))),
  )
}

function pageOf(path: string, text: string): Page {
  const blocks = [...text.matchAll(FENCE)].map(({ index, 2: language = '', 3: body = '' }) => ({
    ...{ language, text: body },
    before: text.slice(0, index),
  }))
  const prose = text.replace(FENCE, '')
  return { path, text, blocks, prose, anchors: anchorsOf(prose) }
}

/** Anchors as GitHub makes them: lower case, no punctuation, hyphens for blanks, a number for a repeated name; and the ids that a page sets itself. */
function anchorsOf(prose: string): ReadonlySet<string> {
  const seen = new Map<string, number>()
  const anchors = [...prose.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => {
    const words = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const anchor = words
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-')
    const count = seen.get(anchor) ?? 0
    seen.set(anchor, count + 1)
    return count === 0 ? anchor : `${anchor}-${count}`
  })
  const explicit = [...prose.matchAll(/<a id="([^"]+)">/g)].map(([, id = '']) => id)
  return new Set([...anchors, ...explicit])
}

/** Where the page's own links lead: a path in the repository, and the anchor. */
export function linksOf(page: Page): { path: string; anchor: string | undefined }[] {
  return [...page.prose.matchAll(/\]\((?![a-z]+:)([^)\s]+)\)/g)].map(([, target = '']) => {
    const [path = '', anchor] = target.split('#')
    return { path: path === '' ? page.path : posix.normalize(posix.join(dirname(page.path), path)), anchor }
  })
}

/** What is marked as code in a sentence. */
export const codeOf = (page: Page): string[] =>
  [...page.prose.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code.replaceAll('\\|', '|'))

/**
 * The commands of a page's shell blocks, as words: joined lines, without comments, taken apart at `&&` and `;`. Of a
 * `console` block those after a prompt.
 */
export const commandsOf = (page: Page): string[][] =>
  page.blocks
    .filter(({ language }) => language === 'sh' || language === 'console')
    .flatMap(({ language, text }) => {
      const lines = text.replaceAll('\\\n', ' ').split('\n')
      const typed =
        language === 'sh' ? lines : lines.filter((line) => line.startsWith('$ ')).map((line) => line.slice(2))
      return typed.flatMap(commandsIn)
    })

const WORD = /'([^']*)'|"((?:[^"\\]|\\.)*)"|(&&|;|\|)|([^\s'";|&]+)/g

/** Of one line. Words that touch are not joined: no command here needs it. */
export function commandsIn(line: string): string[][] {
  const commands: string[][] = [[]]
  for (const [, single, double, separator, bare] of line.replace(/(^|\s)#.*$/, '').matchAll(WORD)) {
    if (separator) commands.push([])
    else commands.at(-1)?.push(single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? bare ?? '')
  }
  return commands.filter((words) => words.length > 0)
}
