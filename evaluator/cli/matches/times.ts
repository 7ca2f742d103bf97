import { instantOf } from '../../cases/index.ts'
import { UsageError } from '../command.ts'

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * Reads `2026-01-05T10:00:00Z`, or how long ago: `15m` (s, m, h, d).
 * @returns epoch ms
 * @throws UsageError naming the option
 */
export function readTime(option: string, text: string, now: number): number {
  const [, amount, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (amount !== undefined) return now - Number(amount) * (UNITS[unit] ?? 0)
  const at = instantOf(text, undefined)
  if (at === undefined) {
    throw new UsageError(`${option} ${text}: must be a time such as 2026-01-05T10:00:00Z, or how long ago, such as 15m`)
  }
  return at
}
