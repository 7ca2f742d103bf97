import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const WINDOWS = process.platform === 'win32'

/**
 * Distinguishes a process from a later one with the same id: the time of its start in the system's own form.
 * @returns undefined when no such process runs
 */
export async function identityOf(pid: number): Promise<string | undefined> {
  if (!isAlive(pid)) return undefined
  if (WINDOWS) return windowsField(pid, 'CreationDate.ToFileTimeUtc()')
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  if (stat === undefined) return psField(pid, 'lstart')
  // The fields follow the command name, which is in brackets and may contain brackets and blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // A zombie still has an id but does not run. @see man 5 proc: state is field 3, starttime field 22
  return fields[0] === 'Z' ? undefined : fields[19]
}

/** The command line of a process with blanks between arguments; undefined if it has ended or cannot be read. */
export async function commandLineOf(pid: number): Promise<string | undefined> {
  if (WINDOWS) return windowsField(pid, 'CommandLine')
  const raw = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined)
  if (raw !== undefined) return raw.replaceAll('\0', ' ').trim()
  return psField(pid, 'command')
}

/** Whether a process with this id exists, of any user. */
export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

const psField = (pid: number, field: string) => answerOf('ps', ['-o', `${field}=`, '-p', String(pid)])

/** @see https://learn.microsoft.com/windows/win32/cimwin32prov/win32-process */
const windowsField = (pid: number, field: string) =>
  answerOf('powershell.exe', [
    '-NoProfile',
    '-NonInteractive',
    '-Command',
    `(Get-CimInstance Win32_Process -Filter 'ProcessId=${pid}').${field}`,
  ])

async function answerOf(program: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const { stdout } = await run(program, args, { windowsHide: true })
    return stdout.trim() || undefined
  } catch {
    return undefined
  }
}
