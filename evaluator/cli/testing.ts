import type { Command, Io } from './command.ts'
import { runCommand } from './program.ts'

/** Runs a verb as a program without a terminal does. @returns its exit code and everything that it wrote @throws UsageError */
export async function runCaptured(
  command: Command,
  argv: readonly string[],
  more: Partial<Io> = {},
): Promise<{ code: number; out: string; err: string }> {
  const written = { out: '', err: '' }
  const io: Io = {
    out: (text) => {
      written.out += text
    },
    err: (text) => {
      written.err += text
    },
    color: false,
    signal: new AbortController().signal,
    ...more,
  }
  const code = await runCommand(command, argv, io)
  return { code, ...written }
}
