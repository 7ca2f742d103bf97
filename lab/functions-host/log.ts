import type { RpcLogLevel } from './rpc.ts'

/** One line of the host or of `context.log`; `category` is what host.json's `logging.logLevel` filters by. */
export type HostLog = (level: RpcLogLevel, category: string, message: string) => void

const order: readonly string[] = ['trace', 'debug', 'information', 'warning', 'error', 'critical', 'none']

/** @returns whether `word` is a level that host.json may name, in any case */
export const isLogLevel = (word: unknown): word is string =>
  typeof word === 'string' && order.includes(word.toLowerCase())

/**
 * The host's console: filtered by category as host.json says, one line per entry, in the form `func` prints.
 * @param levels `logging.logLevel`: the longest category prefix wins, else `default`, else Information
 * @param write takes a line without its line end; never the app's stdout, which is the log of record
 */
export function createHostLog(
  levels: Readonly<Record<string, string>>,
  write: (line: string) => void,
  now: () => Date = () => new Date(),
): HostLog {
  const thresholdOf = (category: string): string => {
    for (let prefix = category; prefix !== ''; prefix = prefix.slice(0, Math.max(prefix.lastIndexOf('.'), 0))) {
      const named = levels[prefix]
      if (named !== undefined) return named
    }
    return levels.default ?? 'information'
  }
  return (level, category, message) => {
    const threshold = thresholdOf(category).toLowerCase()
    if (threshold === 'none' || order.indexOf(level) < order.indexOf(threshold)) return
    const word = level === 'information' ? '' : ` [${level}]`
    write(`[${now().toISOString()}]${word} ${message}`)
  }
}
