import { duration, paint, type Tone } from '../cli/output.ts'

const TONES: Readonly<Record<string, Tone>> = {
  attacker: 'red',
  thief: 'red',
  Datadog: 'cyan',
  webhook: 'cyan',
  containment: 'cyan',
}
const NAME_WIDTH = 11

/** Tells a story line by line: since when, who, what. */
export function narrator({
  color,
  narrate,
}: {
  readonly color: boolean
  readonly narrate: (text: string) => void
}): (who: string, what: string) => void {
  const begun = performance.now()
  return (who, what) => {
    const time = paint({ color }, 'dim', duration(performance.now() - begun).padStart(7))
    narrate(`${time}  ${paint({ color }, TONES[who] ?? 'green', who.padEnd(NAME_WIDTH))}  ${what}\n`)
  }
}
