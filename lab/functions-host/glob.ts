import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Expands the `main` of a package.json: `*`, `?`, `**` and `{a,b}`, or a folder with all its files.
 * @returns sorted paths relative to `root` with forward slashes, without `node_modules` and dot folders
 */
export async function expandGlob(root: string, pattern: string): Promise<string[]> {
  const wanted = pattern.replace(/^\.\//, '')
  const asFolder = (await stat(join(root, wanted)).catch(() => undefined))?.isDirectory() ?? false
  const matcher = globToRegExp(asFolder ? `${wanted.replace(/\/+$/, '')}/**` : wanted)
  const found: string[] = []
  for await (const file of filesBelow(root, '')) if (matcher.test(file)) found.push(file)
  return found.sort()
}

async function* filesBelow(root: string, folder: string): AsyncGenerator<string> {
  for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) {
      if (entry.name !== 'node_modules' && !entry.name.startsWith('.')) yield* filesBelow(root, path)
    } else yield path
  }
}

/** @returns a pattern that matches whole paths with forward slashes */
export function globToRegExp(glob: string): RegExp {
  let depth = 0
  const source = glob.replace(/\*\*\/|\*\*|[*?{},]|[.+^$()|[\]\\]/g, (token) => {
    if (token === '**/') return '(?:[^/]+/)*'
    if (token === '**') return '.*'
    if (token === '*') return '[^/]*'
    if (token === '?') return '[^/]'
    if (token === '{') {
      depth += 1
      return '(?:'
    }
    if (token === '}' && depth > 0) {
      depth -= 1
      return ')'
    }
    if (token === ',') return depth > 0 ? '|' : ','
    return `\\${token}`
  })
  return new RegExp(`^${source}$`)
}
