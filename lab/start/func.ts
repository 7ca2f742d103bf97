import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { childEnvironment } from '../processes/environment.ts'

const ANSWER_MS = 5000

/**
 * Whether Azure Functions Core Tools can be used: installed from npm without its download, `func` is there and answers
 * nothing, or tries to fetch itself for minutes.
 * @returns its version, or why not
 */
export async function findFunc(): Promise<{ version: string } | { reason: string }> {
  try {
    const { stdout } = await promisify(execFile)('func', ['--version'], { timeout: ANSWER_MS, env: childEnvironment() })
    const version = stdout.trim()
    return /^\d+\.\d+/.test(version) ? { version } : { reason: '`func --version` answers no version' }
  } catch (error) {
    const { code, killed } = error as NodeJS.ErrnoException & { killed?: boolean }
    if (code === 'ENOENT') return { reason: '`func` is not on PATH' }
    return { reason: killed ? '`func --version` did not answer within 5 s' : '`func --version` failed' }
  }
}
