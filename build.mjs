import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, parse, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build as bundle } from 'esbuild'

const root = fileURLToPath(new URL('.', import.meta.url))
const dist = join(root, 'dist')

const common = { absWorkingDir: root, bundle: true, write: false, logLevel: 'warning', sourcemap: 'linked' }
const node = { ...common, platform: 'node', target: 'node20' }
/** One CommonJS file: the Functions host loads it with one read. The host itself answers `@azure/functions-core`. */
const functions = { ...node, format: 'cjs', external: ['@azure/functions-core', 'pg-native'] }
/** Not every start needs a token, and parsing this is a third of the whole: a file of its own, read at the first token. */
const identityApart = {
  name: 'identity apart',
  setup: ({ onResolve }) =>
    onResolve({ filter: /^@azure\/identity$/ }, () => ({ path: './identity.cjs', external: true })),
}
/** Heroku installs the dependencies, so only our own code is bundled. */
export const web = { ...node, format: 'esm', packages: 'external' }
/** Without source maps: web would serve them beside the scripts to anybody. */
const browser = { ...common, format: 'esm', target: 'es2022', minify: true, sourcemap: false }

/**
 * Split, so that a page loads no recorder that it does not use; named by content, so that a browser keeps a file for good.
 * The server finds the present names in assets.json.
 */
const assets = {
  ...browser,
  entryPoints: ['rum.ts', 'device.ts', 'pending.ts', 'confirm.ts', 'watch.ts', 'style.css'].map(
    (name) => `web/assets/${name}`,
  ),
  outdir: 'dist/web/assets',
  splitting: true,
  metafile: true,
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
}

/** The page of the console, likewise named by content; its index.html names the present files. */
export const page = {
  ...browser,
  entryPoints: ['main.tsx', 'style.css'].map((name) => `lab/console/app/${name}`),
  outdir: 'dist/console/assets',
  metafile: true,
  entryNames: '[name]-[hash]',
}

/** What is deployed has no lab: its sources are left out of the slug. */
const hasConsole = existsSync(join(root, 'lab/console/app/main.tsx'))

const bundles = [
  assets,
  ...(hasConsole ? [page] : []),
  { ...functions, entryPoints: ['functions/index.ts'], outfile: 'dist/functions.cjs', plugins: [identityApart] },
  { ...functions, entryPoints: ['@azure/identity'], outfile: 'dist/identity.cjs' },
  { ...functions, entryPoints: ['functions/passwords/hash-worker.ts'], outfile: 'dist/hash-worker.cjs' },
  { ...functions, entryPoints: ['functions/passwords/strength-worker.ts'], outfile: 'dist/strength-worker.cjs' },
  { ...web, entryPoints: ['web/server.ts'], outfile: 'dist/web/server.js' },
  { ...web, entryPoints: ['shared/stores/postgres/migrate-main.ts'], outfile: 'dist/migrate.js' },
]

/**
 * Builds everything that is deployed into dist/. A file is replaced in one step and only when it differs, so that a
 * build beside a running lab, or beside another build, disturbs neither.
 */
export async function build() {
  const built = await Promise.all(bundles.map((options) => bundle(options)))
  const files = built.flatMap((result) => result.outputFiles.map(({ path, contents }) => [path, contents]))
  files.push([join(dist, 'web', 'assets.json'), await manifest(built[bundles.indexOf(assets)])])
  if (hasConsole) {
    const names = await manifest(built[bundles.indexOf(page)])
    files.push([join(dist, 'console', 'assets.json'), names])
    files.push([join(dist, 'console', 'index.html'), await indexPage(JSON.parse(names).files)])
  }
  const migrations = join(root, 'shared/stores/postgres/migrations')
  for (const name of await readdir(migrations)) {
    files.push([join(dist, 'migrations', name), await readFile(join(migrations, name))])
  }
  await Promise.all(files.map(([path, contents]) => replace(path, contents)))
  const wanted = new Set(files.map(([path]) => relative(dist, path)))
  for (const entry of await readdir(dist, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile() && !entry.name.endsWith('.new') && !wanted.has(relative(dist, path)))
      await rm(path, { force: true })
  }
}

async function manifest({ metafile }) {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const files = Object.entries(metafile.outputs).filter(([, { entryPoint }]) => entryPoint)
  const names = files.map(([path, { entryPoint }]) => [parse(entryPoint).name, basename(path)])
  return Buffer.from(`${JSON.stringify({ version, files: Object.fromEntries(names) })}\n`)
}

/** The page with the names of its files in the places of `{{main}}` and `{{style}}`. */
async function indexPage(names) {
  const html = await readFile(join(root, 'lab/console/app/index.html'), 'utf8')
  return Buffer.from(html.replaceAll(/\{\{(\w+)\}\}/g, (_, name) => names[name]))
}

async function replace(path, contents) {
  const current = await readFile(path).catch(() => undefined)
  if (current && Buffer.compare(current, contents) === 0) return
  await mkdir(dirname(path), { recursive: true })
  const temporary = `${path}.${process.pid}.new`
  await writeFile(temporary, contents)
  await rename(temporary, path)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [word] = process.argv.slice(2)
  if (word === undefined) await build()
  else if (word === '--help')
    process.stdout.write(
      'Usage: npm run build\n\nBuilds everything that is deployed, and the console of the lab, into dist/.\n',
    )
  else {
    process.stderr.write(`Unexpected argument "${word}": this command takes none.\n`)
    process.exitCode = 2
  }
}
