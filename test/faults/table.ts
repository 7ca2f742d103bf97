import type { Outcome } from './run.ts'
import { faultsOf, HEAL_MS } from './verdict.ts'

/** What a run was done with; stands below its table. */
export interface RunFacts {
  readonly seed: number
  readonly victims: number
  /** What Redis was, such as `redis-server 7.0.15`. */
  readonly redis: string | undefined
  readonly node: string
}

const HEAD = [
  'fault',
  'injected how',
  'victims',
  'lost',
  'doubled',
  'unreported',
  'wrongly dead',
  'wrongly alive',
  'time to heal',
  'remark',
] as const

/** @returns whether every scenario was carried out, with 0 in each column and healed in time; a skipped one is neither */
export const holds = (outcomes: readonly Outcome[]): boolean =>
  outcomes.length > 0 && outcomes.every((outcome) => faultsIn(outcome).length === 0)

/** What is wrong with one outcome, in words. */
export function faultsIn(outcome: Outcome): string[] {
  if (outcome.kind === 'broken') return [outcome.why]
  return outcome.kind === 'skipped' ? [] : faultsOf(outcome.row)
}

/** The table as Markdown, one row for each fault. */
export function markdownTable(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map((outcome) =>
    cells(outcome).map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')),
  )
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`
  return [line(HEAD), line(HEAD.map(() => '---')), ...rows.map(line)].join('\n')
}

function cells(outcome: Outcome): string[] {
  const { fault, injected } = outcome.scenario
  if (outcome.kind !== 'measured') {
    return [fault, injected, '–', '–', '–', '–', '–', '–', '–', `${outcome.kind}: ${outcome.why}`]
  }
  const { victims, lost, doubled, unreported, wronglyDead, wronglyAlive, healMs, remark = '' } = outcome.row
  const numbers = [lost, doubled, unreported, wronglyDead, wronglyAlive].map((n) => (n === 0 ? '0' : `**${n}**`))
  return [fault, injected, String(victims), ...numbers, healing(healMs), remark]
}

function healing(ms: number | null): string {
  if (ms === null) return '**never**'
  const text = ms < 1000 ? 'at once' : `${Math.ceil(ms / 1000)} s`
  return ms > HEAL_MS ? `**${text}**` : text
}

/** The text of docs/faults.md. */
export function faultsPage(outcomes: readonly Outcome[], { seed, victims, redis, node }: RunFacts): string {
  return `# Faults

<!-- Written by \`npm run test:faults\`. Edit test/faults/table.ts. -->

A containment must not be lost, whatever fails while it is carried out. \`npm run test:faults\` injects each fault below into
a lab of its own: real stores, both hosts, their edges, and the stand-in for Datadog, which evaluates the log lines of an
attack and delivers its webhook. The exit code is 1 if any number but the victims is not 0, or healing takes longer than
${HEAL_MS / 1000} s.

- **victims**: accounts with a live session that an alert was raised about. As many bystanders have sessions on the same hosts.
  Half of the sessions belong to web and half to the API. Each host refuses tokens of the other, so each session
  is tested by a real request to its own host.
- **lost**: the session lives on ${(HEAL_MS + 10_000) / 1000} s after the fault's end.
- **doubled**: a second effect, or a second \`contain\` event that says it was done.
- **unreported**: carried out without a \`contain\` event.
- **wrongly dead**: a bystander, or a session that was opened after the containment, is refused at the end.
- **wrongly alive**: a victim that was refused is accepted again.
- **time to heal**: from the fault's end to the refusal of the last victim. Unless the remark says otherwise, the sender
  tries each delivery once. Only the sweeper repairs what the fault interrupted: it continues unfinished rows,
  and asks Datadog for alerts that have no row.

The sweeper's timer runs once a minute. Most labs also ask for a sweep every five seconds, as an administrator of the
host can, so that the suite ends within ten minutes. Rows that say *real period* wait for the timer alone.

\`\`\`sh
npm run test:faults                            # everything, at most ten minutes on two cores
npm run test:faults -- --only redis-full       # one fault; --help names them all
REDIS_SERVER=/usr/bin/redis-server npm run test:faults
\`\`\`

Faults that restart Redis, fill it or restore a dump need a real \`redis-server\` (7 or later). Without one they are skipped and
the table says so.

${markdownTable(outcomes)}

Seed ${seed}, ${victims} victims unless the fault asks for another number, Redis: ${redis ?? 'none'}, Node ${node}.

Not here: 100,000 and 1,000,000 open sessions (\`npm run bench\`), and every order of steps (\`test/simulation\`).
`
}
