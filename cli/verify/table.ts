import { columns, counted, duration, type Io, paint, wrapped } from 'alertproof/cli'
import { playedByTests } from '../../attacks/kit/played-by-tests.ts'
import type { Scenario, Scoreboard } from '../../proof/verify/scoreboard.ts'

/** The names of the columns. */
export const HEAD = [
  'scenario',
  'target',
  'alert, each minute',
  'refused, each minute',
  'alert, live',
  'refused, live',
  'signal',
  'by',
  'attacker',
  'victim',
  'benign twin',
  '',
]

/**
 * The scoreboard for a person. Times of evaluation each minute come first, because Datadog evaluates so.
 * @param evaluation how the monitors were evaluated, in words
 */
export function table(board: Scoreboard, evaluation: string, io: Pick<Io, 'color'>): string {
  const summary = `${board.passed} of ${board.scenarios.length} hold`
  const introduction = timesLine(board.mode, evaluation).flatMap((line) => wrapped(line))
  const played = wrapped(`Played by tests, because they take hours: ${playedByTestsLine()}`)
  return `${introduction.join('\n')}

${narrow(board.scenarios, io)}

${played.join('\n')}

${paint(io, board.failed === 0 ? 'green' : 'red', summary)}
`
}

const LINE_WIDTH = 80
const OUTCOME_INDENT = '    '
const TIMES = 5

/**
 * The table in 80 columns: the name of a scenario once, and two lines for each host. The first has the times, the second
 * what became of everybody.
 */
function narrow(scenarios: readonly Scenario[], io: Pick<Io, 'color'>): string {
  const rows = scenarios.map((scenario) => row(scenario, io))
  const bold = (words: readonly string[]) => words.map((word) => paint(io, 'bold', word))
  const heads = [
    ['', 'each minute', '', 'live', '', '', ''],
    ['  target', 'alert', 'refused', 'alert', 'refused', 'signal', ''],
  ]
  const timesOf = ([, target, ...rest]: string[]) => [`  ${target}`, ...rest.slice(0, TIMES), rest.at(-1) ?? '']
  const [first = '', second = '', ...lines] = columns([...heads.map(bold), ...rows.map(timesOf)]).split('\n')
  const told = rows.flatMap((cells, n) => {
    const [slug = ''] = cells
    const [by = '', attacker, victim, twin] = cells.slice(2 + TIMES)
    const facts = [...(by === '-' ? [] : [by]), `attacker ${attacker}`, `victim ${victim}`, `twin ${twin}`]
    const outcome = wrapped(facts.join('; '), LINE_WIDTH - OUTCOME_INDENT.length).map((line) => OUTCOME_INDENT + line)
    const name = rows[n - 1]?.[0] === slug ? [] : ['', paint(io, 'bold', slug)]
    return [...name, lines[n] ?? '', ...outcome]
  })
  return [first.trimEnd(), second.trimEnd(), ...told].join('\n')
}

/** What the times of a scoreboard are, and what was measured. */
export const timesLine = (mode: Scoreboard['mode'], evaluation: string): string[] => {
  const [measured, derived] = mode === 'cadence' ? ['The first', 'the other'] : ['The second', 'the first']
  return [
    'Times count from the request that crosses the threshold: with monitors evaluated each minute, as Datadog does it, and live, at each event.',
    'A prevented attack is refused at the step that it needs. It needs no alert; its time is that of the refusal.',
    'The attacker is dead if nothing that he holds opens an account that he entered, checked on both hosts after the containment.',
    `${measured} pair was measured, with monitors evaluated ${evaluation}; ${derived} follows from the same log.`,
  ]
}

const playedByTestsLine = (): string => playedByTests.map(({ slug, test }) => `${slug} (${test})`).join(', ')

/** The cells of a scenario, in the order of {@link HEAD}. */
export function row(scenario: Scenario, io: Pick<Io, 'color'>): string[] {
  const { slug, target, ends, alert, signal, containment, otherwise, benign, ok } = scenario
  const good = (holds: boolean, text: string) => (holds ? text : paint(io, 'red', text))
  const { done, action, attacker_dead } = containment
  const isPrevented = ends === 'prevented'
  const measured = { detect_ms: alert.detect_ms, contain_ms: containment.contain_ms }
  const [cadence, arrival] = otherwise.mode === 'cadence' ? [otherwise, measured] : [measured, otherwise]
  const times = [cadence, arrival].flatMap(({ detect_ms, contain_ms }) => [
    isPrevented ? 'prevented' : good(detect_ms !== null, time(detect_ms, 'none')),
    attacker_dead === null ? '-' : good(contain_ms !== null, time(contain_ms, 'never')),
  ])
  return [
    slug,
    target,
    ...times,
    signal === null ? '-' : good(signal.fired && signal.containments === 1, time(signal.detect_ms, 'none')),
    isPrevented ? '-' : good(done, action ?? 'nobody'),
    attackerCell(containment, good),
    victimCell(containment, good),
    good(benign.alerts === 0 && benign.events > 0, `${benign.events} events, ${counted(benign.alerts, 'alert')}`),
    paint(io, ok ? 'green' : 'red', ok ? 'ok' : 'FAILED'),
  ]
}

/** How many of the accounts that the attacker entered he can still open, or keeps if nothing is contained. */
function attackerCell(
  { attacker_dead, entered, still_in }: Scenario['containment'],
  good: (holds: boolean, text: string) => string,
): string {
  const share = `${still_in} of ${entered}`
  if (attacker_dead === null) return `keeps ${share}`
  return good(attacker_dead, attacker_dead ? `dead, in ${share}` : `IN ${share}`)
}

function victimCell(
  { victim_alive, locked_out, to_restore }: Scenario['containment'],
  good: (holds: boolean, text: string) => string,
): string {
  if (!victim_alive) return good(false, locked_out === 0 ? 'OUT' : `OUT: ${locked_out}`)
  return to_restore === 0 ? 'alive' : `to restore: ${to_restore}`
}

const time = (ms: number | null, otherwise: string): string => (ms === null ? otherwise : duration(ms))
