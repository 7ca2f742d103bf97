import { duration, paint, type Tone } from '../output.ts'

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

/** Tells a story line by line: after how long, who, what. What comes before the story's origin has no time. */
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
