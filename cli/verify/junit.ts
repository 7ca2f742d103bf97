import { junitXml } from 'alertproof/cli'
import type { Scoreboard, Verdict } from '../../proof/verify/scoreboard.ts'

/** The scoreboard as JUnit XML, one test case per scenario. */
export function junit(board: Scoreboard, verdicts: readonly Verdict[]): string {
  return junitXml({
    name: `verify (${board.mode})`,
    timestamp: board.started_at,
    cases: verdicts.map(({ scenario, faults, durationMs }) => ({
      classname: `verify.${scenario.target}`,
      name: scenario.slug,
      seconds: durationMs / 1000,
      faults,
      out: JSON.stringify(scenario),
    })),
  })
}
