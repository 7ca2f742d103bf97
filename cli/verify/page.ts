import type { Scoreboard } from '../../proof/verify/scoreboard.ts'
import { table } from './table.ts'

/**
 * The scoreboard as a page of the docs.
 * @param evaluation how the monitors were evaluated, in words
 */
export const page = (board: Scoreboard, evaluation: string): string => `# Scoreboard

<!-- Written by \`npm run verify -- --page docs/scoreboard.md\`. -->

Each attack and its benign twin, carried out on each host that it applies to, with every defence on. When the containment is
done and every request has been answered, \`npm run verify\` tries by real requests, on both hosts, everything that the attacker
got and everything that honest people have. Nothing that the attacker holds (session, renewal, pending second factor, password)
may open an account that he entered, unless the policy only notifies a person. No honest person may have lost more than the stolen
session, unless a person must restore the account.

- **alert, each minute** is what to expect of a monitor: an attack that begins just after an evaluation waits almost a minute for
  the next one. Datadog's intake, indexing and webhook come on top; they are not measured here.
- **signal** is the rule of Cloud SIEM, for a detection that is one as well as a monitor. It is evaluated at the event, in either
  mode. Alert and signal must lead to one containment together; whichever comes first brings it about.
- **prevented**: the attack is refused at the step that it needs, so it needs no alert.
- **dead, in 0 of 1**: the attacker entered one account and can open none of them any more. Where a policy contains nothing by
  itself, it notifies a person (\`notify\`), and **keeps** says how many of the accounts the attacker still holds.
- **to restore**: owners whom the attacker locked out, and who need somebody to give the account back.

The run of ${board.started_at.slice(0, 10)}:

\`\`\`console
$ npm run verify
${table(board, evaluation, { color: false }).trimEnd()}
\`\`\`
`
