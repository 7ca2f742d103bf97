/** @returns milliseconds, or undefined when the text is not a duration from one hour to three days */
export function retentionMs(value: unknown): number | undefined {
  const [, count, unit] = (typeof value === 'string' && /^(\d{1,4})([mhd])$/.exec(value)) || []
  const ms = Number(count) * ({ m: 60_000, h: 3_600_000, d: 86_400_000 }[unit ?? ''] ?? Number.NaN)
  return ms >= 3_600_000 && ms <= 259_200_000 ? ms : undefined
}
