import { duration, paint, type Tone } from 'alertproof/cli'

const TONES: Readonly<Record<string, Tone>> = {
  attacker: 'red',
  thief: 'red',
  Datadog: 'cyan',
  webhook: 'cyan',
  containment: 'cyan',
  crossing: 'yellow',
}
const NAME_WIDTH = 11
const TIME_WIDTH = 9

/** Prints a run line by line: the time since its origin, who acts, and what happens. Lines before the origin have no time. */
export function narrator({
  color,
  narrate,
}: {
  readonly color: boolean
  readonly narrate: (text: string) => void
}): (who: string, what: string, ms?: number) => void {
  return (who, what, ms) => {
    const time = paint({ color }, 'dim', (ms === undefined ? '' : duration(ms)).padStart(TIME_WIDTH))
    narrate(`${time}  ${paint({ color }, TONES[who] ?? 'green', who.padEnd(NAME_WIDTH))}  ${what}\n`)
  }
}
