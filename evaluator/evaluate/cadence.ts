/** The next whole multiple of a cadence after `now`: minutes are evaluated on the minute. */
export const nextAligned = (now: number, cadenceSeconds: number): number => {
  const step = cadenceSeconds * 1000
  return (Math.floor(now / step) + 1) * step
}
