// node manifest.mjs published|source: says in package.json whether the exports are the built files or the sources.
//
// In this repository `alertproof` means the sources, without a build and without a flag for each of the programs that
// import it (tsx, vitest, tsc, esbuild); a condition of its own in `exports` would need one in all of them, and without it
// would read whatever was built last. A tarball needs the built files, and npm reads package.json as it is on disk after
// `prepack`. So `prepack` turns the exports to the built files, and `postpack` turns them back. After a pack that was
// interrupted, `npm run postpack -w evaluator` does it.
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** `./search/index.ts` as the conditions of the built file. */
const publishedOf = (source) => {
  const built = `./dist/${source.slice('./'.length, -'.ts'.length)}`
  return { types: `${built}.d.ts`, default: `${built}.js` }
}

const sourceOf = (target) =>
  typeof target === 'string' ? target : `./${target.default.slice('./dist/'.length, -'.js'.length)}.ts`

/** @returns the source files of all exports, in whichever form they are */
export const sourcesOf = (exports) => Object.values(exports).map(sourceOf)

/** @param form `published` or `source`; a manifest that has the form already stays as it is */
export function manifestAs(form, manifest) {
  const exports = Object.entries(manifest.exports).map(([name, target]) => {
    const source = sourceOf(target)
    return [name, form === 'published' ? publishedOf(source) : source]
  })
  return { ...manifest, exports: Object.fromEntries(exports) }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const form = process.argv[2]
  if (form !== 'published' && form !== 'source') throw new Error('Give "published" or "source".')
  const file = new URL('./package.json', import.meta.url)
  const manifest = JSON.parse(await readFile(file, 'utf8'))
  await writeFile(file, `${JSON.stringify(manifestAs(form, manifest), undefined, 2)}\n`)
}
