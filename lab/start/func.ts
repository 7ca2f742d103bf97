import { execFile } from 'node:child_process'
import { access, constants, realpath } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { childEnvironment } from '../processes/environment.ts'

const ANSWER_MS = 5000
const NAME = process.platform === 'win32' ? 'func.exe' : 'func'

export type FoundFunc =
  | { readonly kind: 'found'; readonly command: string; readonly version: string }
  /** One reason per unusable `func`, in the order of PATH. */
  | { readonly kind: 'none'; readonly reasons: readonly string[] }

/**
 * Finds the first `func` on PATH that prints a version. `npm run` puts this project's `node_modules/.bin` first, where the
 * optional package leaves a `func` even without its downloaded program, which must not hide another one.
 */
export async function findFunc(): Promise<FoundFunc> {
  const reasons: string[] = []
  for (const command of await candidates()) {
    const answer = await versionOf(command)
    if (answer.kind === 'version') return { kind: 'found', command, version: answer.version }
    reasons.push(`${command} ${answer.reason}`)
  }
  return { kind: 'none', reasons }
}

/** Every executable of that name on PATH, in order, without duplicates. */
async function candidates(): Promise<string[]> {
  const seen = new Set<string>()
  const found: string[] = []
  for (const directory of (process.env.PATH ?? '').split(delimiter).filter(Boolean)) {
    const command = join(directory, NAME)
    const target = await access(command, constants.X_OK).then(
      () => realpath(command),
      () => undefined,
    )
    if (target === undefined || seen.has(target)) continue
    seen.add(target)
    found.push(command)
  }
  return found
}

type Answer =
  | { readonly kind: 'version'; readonly version: string }
  | { readonly kind: 'none'; readonly reason: string }

async function versionOf(command: string): Promise<Answer> {
  // npm's launcher would download its missing program if it were run.
  if (await isEmptyLauncher(command)) {
    return { kind: 'none', reason: "is npm's launcher without its downloaded program" }
  }
  try {
    const { stdout } = await promisify(execFile)(command, ['--version'], {
      timeout: ANSWER_MS,
      env: childEnvironment(),
    })
    const version = stdout.trim()
    if (/^\d+\.\d+/.test(version)) return { kind: 'version', version }
    return { kind: 'none', reason: 'prints no version for --version' }
  } catch (error) {
    const killed = error instanceof Error && 'killed' in error && error.killed === true
    return { kind: 'none', reason: killed ? 'did not answer --version within 5 s' : 'failed at --version' }
  }
}

/** @see azure-functions-core-tools, lib/main.js: the program is in `../bin` */
async function isEmptyLauncher(command: string): Promise<boolean> {
  const target = await realpath(command)
  if (!/[\\/]azure-functions-core-tools[\\/]lib[\\/]main\.js$/.test(target)) return false
  return access(join(dirname(target), '..', 'bin', NAME)).then(
    () => false,
    () => true,
  )
}
