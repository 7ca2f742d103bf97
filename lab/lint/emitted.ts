import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What the app says when it logs: every name and every quoted word of its code. */
export interface Vocabulary {
  /** Whether some line of the app's code names this field: `ip`, or each part of `usr.id`. */
  names(field: string): boolean
  /** Whether some line of it has this word as a text. */
  says(word: string): boolean
}

const ROOMS = ['functions', 'web', 'shared']
/** The schema names every field that there may be, and emits none. */
const SCHEMA = join('shared', 'event.ts')

/** Reads the app's code, without its tests and without the schema. */
export async function readVocabulary(root: string): Promise<Vocabulary> {
  const files = (await Promise.all(ROOMS.map((room) => sourcesIn(root, room)))).flat()
  const code = (await Promise.all(files.map((file) => readFile(join(root, file), 'utf8'))))
    .map(withoutComments)
    .join('\n')
  const words = new Set([...code.matchAll(/'([\w-]+)'/g)].map(([, word]) => word ?? ''))
  const names = new Set([...code.matchAll(/\b[a-z_]\w*\b/gi)].map(([name]) => name))
  return {
    names: (field) => field.split('.').every((part) => names.has(part)),
    says: (word) => words.has(word),
  }
}

async function sourcesIn(root: string, room: string): Promise<string[]> {
  const paths = await readdir(join(root, room), { recursive: true })
  return paths
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts') && !path.split(/[\\/]/).includes('testing'))
    .map((path) => join(room, path))
    .filter((path) => path !== SCHEMA)
}

const withoutComments = (code: string): string => code.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
