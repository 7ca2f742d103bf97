import { duration, paint, type Tone, wrapped } from 'alertproof/cli'

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
const GAP = '  '
const INDENT = TIME_WIDTH + NAME_WIDTH + 2 * GAP.length
const LINE_WIDTH = 80

/**
 * Prints a run line by line, at most 80 columns wide: the time since its origin, who acts, and what happens. Lines before
 * the origin have no time.
 */
export function narrator({
  color,
  narrate,
}: {
  readonly color: boolean
  readonly narrate: (text: string) => void
}): (who: string, what: string, ms?: number) => void {
  return (who, what, ms) => {
    const time = paint({ color }, 'dim', (ms === undefined ? '' : duration(ms)).padStart(TIME_WIDTH))
    const name = paint({ color }, TONES[who] ?? 'green', who.padEnd(NAME_WIDTH))
    const text = wrapped(what, LINE_WIDTH - INDENT).join(`\n${' '.repeat(INDENT)}`)
    narrate(`${time}${GAP}${name}${GAP}${text}\n`)
  }
}
