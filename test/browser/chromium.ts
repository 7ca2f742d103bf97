import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** A browser's program, and what it needs in its environment to run. */
export interface Program {
  path: string
  env?: Record<string, string>
}

const ON_PATH = [
  'google-chrome-stable',
  'google-chrome',
  'chromium',
  'chromium-browser',
  'microsoft-edge-stable',
  'microsoft-edge',
  'chrome',
  'msedge',
]
const IN_APPLICATIONS = ['Google Chrome', 'Chromium', 'Microsoft Edge'].map((name) =>
  join(`${name}.app`, 'Contents', 'MacOS', name),
)
const IN_PROGRAM_FILES = [
  join('Google', 'Chrome', 'Application', 'chrome.exe'),
  join('Microsoft', 'Edge', 'Application', 'msedge.exe'),
]

/**
 * The Chrome, Chromium or Edge programs of this machine, where they usually are.
 * @returns paths of existing files, the likeliest first; one of them may still be a stub that starts nothing
 */
export function systemPrograms(
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform,
  exists: (path: string) => boolean = existsSync,
): Program[] {
  const folders = (env.PATH ?? '').split(delimiter).filter(Boolean)
  const suffix = platform === 'win32' ? '.exe' : ''
  const paths = ON_PATH.flatMap((name) => folders.map((folder) => join(folder, name + suffix)))
  if (platform === 'darwin') paths.push(...join2(['/Applications', join(homedir(), 'Applications')], IN_APPLICATIONS))
  if (platform === 'win32') {
    const roots = [env.PROGRAMFILES, env['PROGRAMFILES(X86)'], env.LOCALAPPDATA].filter((root) => root !== undefined)
    paths.push(...join2(roots, IN_PROGRAM_FILES))
  }
  return paths.filter((path) => exists(path)).map((path) => ({ path }))
}

const join2 = (roots: readonly string[], names: readonly string[]): string[] =>
  roots.flatMap((root) => names.map((name) => join(root, name)))

const UNPACKED = fileURLToPath(new URL('../../.lab/chromium', import.meta.url))
/** Lets the package unpack the libraries (NSS and its like) that a bare machine lacks. */
const WITH_LIBRARIES = { AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs20.x' }
const UNPACK = `import chromium from '@sparticuz/chromium'; await chromium.executablePath()`

/**
 * The Chromium of the optional package `@sparticuz/chromium`, unpacked once, into a folder of ours: in the common temp
 * folder, where the package would put it, another's half-unpacked file would be taken for the program.
 * @returns undefined where the package is not installed, or is not for this system
 */
export async function packagedProgram(): Promise<Program | undefined> {
  if (process.platform !== 'linux') return undefined
  const root = packageRoot()
  if (root === undefined) return undefined
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  const home = join(UNPACKED, version)
  if (!existsSync(home)) await unpack(home)
  return {
    path: join(home, 'chromium'),
    env: { LD_LIBRARY_PATH: join(home, 'al2023', 'lib'), FONTCONFIG_PATH: join(home, 'fonts') },
  }
}

function packageRoot(): string | undefined {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')), '..', '..')
  } catch {
    return undefined
  }
}

/** In a process of its own, because the package reads where and what to unpack from the environment. */
async function unpack(home: string): Promise<void> {
  const partial = `${home}.${process.pid}`
  await mkdir(partial, { recursive: true })
  const env = { PATH: process.env.PATH, HOME: partial, TMPDIR: partial, ...WITH_LIBRARIES }
  const cwd = fileURLToPath(new URL('../..', import.meta.url))
  try {
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', UNPACK], { cwd, env })
    await rename(partial, home).catch((error: unknown) => {
      // Another run was faster, and its copy is as good.
      if (!existsSync(home)) throw error
    })
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
}
