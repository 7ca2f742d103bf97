import type { RpcLogLevel } from './rpc.ts'

/** Logs a line of the host or of `context.log`; host.json's `logging.logLevel` filters by `category`. */
export type HostLog = (level: RpcLogLevel, category: string, message: string) => void

const LEVELS: readonly string[] = ['trace', 'debug', 'information', 'warning', 'error', 'critical', 'none']

/** @returns whether `word` is a log level of host.json, in any case */
export const isLogLevel = (word: unknown): word is string =>
  typeof word === 'string' && LEVELS.includes(word.toLowerCase())

/**
 * The host's console: filtered by category as in host.json, one line per entry, in the form of `func`.
 * @param levels `logging.logLevel`: the longest category prefix wins, else `default`, else Information
 * @param write called with each line without its line end; must not be the app's stdout, which is the log of record
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
    if (threshold === 'none' || LEVELS.indexOf(level) < LEVELS.indexOf(threshold)) return
    const word = level === 'information' ? '' : ` [${level}]`
    write(`[${now().toISOString()}]${word} ${message}`)
  }
}
