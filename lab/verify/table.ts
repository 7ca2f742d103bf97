import type { Io } from '../cli/command.ts'
import { columns, duration, paint } from '../cli/output.ts'
import type { Scenario, Scoreboard } from './scoreboard.ts'

const HEAD = ['scenario', 'target', 'alert', 'refused', 'by', 'attacker', 'victim', 'benign twin', '']

/** The scoreboard as a person reads it. @param evaluation how the monitors were evaluated, in words */
export function table(board: Scoreboard, evaluation: string, io: Pick<Io, 'color'>): string {
  const rows = [HEAD.map((word) => paint(io, 'bold', word)), ...board.scenarios.map((scenario) => row(scenario, io))]
  const summary = `${board.passed} of ${board.scenarios.length} hold`
  return `Monitors evaluated ${evaluation}; times count from the request that crosses the threshold.

${columns(rows)}

${paint(io, board.failed === 0 ? 'green' : 'red', summary)}
`
}

function row({ slug, target, alert, containment, benign, ok }: Scenario, io: Pick<Io, 'color'>): string[] {
  const good = (holds: boolean, text: string) => (holds ? text : paint(io, 'red', text))
  const { contain_ms, done, action, attacker_dead, victim_alive } = containment
  return [
    slug,
    target,
    good(alert.fired, time(alert.detect_ms, 'none')),
    attacker_dead === null ? '-' : good(contain_ms !== null, time(contain_ms, 'never')),
    good(done, action ?? 'nobody'),
    attacker_dead === null ? '-' : good(attacker_dead, attacker_dead ? 'dead' : 'IN'),
    good(victim_alive, victim_alive ? 'alive' : 'OUT'),
    good(benign.alerts === 0 && benign.events > 0, `${benign.events} events, ${plural(benign.alerts, 'alert')}`),
    paint(io, ok ? 'green' : 'red', ok ? 'ok' : 'FAILED'),
  ]
}

const time = (ms: number | null, otherwise: string): string => (ms === null ? otherwise : duration(ms))

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`
