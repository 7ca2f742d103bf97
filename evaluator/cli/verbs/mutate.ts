import { type Case, type CaseResult, faultsOf, findCases, lineDifference, runCases } from '../../cases/index.ts'
import { InputError } from '../../input-error.ts'
import { type Equivalents, type MutantVerdict, mutate, readEquivalents, testedBy } from '../../mutate/index.ts'
import { type Command, type Io, readArguments, UsageError } from '../command.ts'
import { columns, json, paint, printable } from '../output.ts'
import { appendSummary, markdownTable } from '../summary.ts'

const USAGE = `Usage: alertproof mutate PATH... [<options>]

Finds the mistakes in a monitor or a rule of Cloud SIEM that no case would notice. PATH is a folder of cases, as \`test\` evaluates
them, or one case. Each monitor or rule that they name is changed by one slip at a time: an @ left out, another field, operator,
threshold, window, group, rollup or option, a term left out or negated; of a rule also a case left out, or of another severity.
A slip is noticed if a case fails. The others are printed with the change.

Slips that the API would refuse are left out. A slip that changes the result for no log is equivalent: some are recognised, others
are listed with their reason in a file.

Options:
  --equivalents FILE  YAML or JSON: {"<monitor>": {"<slip>": "<reason>"}}. A slip in it that a case notices, or that is not made,
                      fails
  --all               print every slip, with the first case that notices it or the reason why none can
  --summary FILE      also append a summary in Markdown, for the page of a CI job
  --json              print one line of JSON per slip: {monitor, mutant, place, before, after, killed_by, equivalent}
  --help              this text

Exit code: 0 if every slip is noticed or equivalent, 1 if one is not, or if a case does not hold without any slip, 2 for unusable
arguments, 3 if a file cannot be read or no case was found.

Examples:
  alertproof mutate cases/
  alertproof mutate cases/ --equivalents equivalents.yaml --all
`

export const command: Command = {
  name: 'mutate',
  summary: 'say which slips in a monitor its cases would not notice',
  usage: USAGE,
  async run(argv, io) {
    const { values, positionals } = readArguments({
      args: [...argv],
      allowPositionals: true,
      options: {
        equivalents: { type: 'string' },
        all: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        summary: { type: 'string' },
      },
    })
    if (positionals.length === 0) throw new UsageError('Give at least one folder or file of cases.')
    const equivalents = values.equivalents === undefined ? new Map() : await readEquivalents(values.equivalents)
    const cases = await casesOf(positionals, io)
    if (!cases) {
      if (values.summary !== undefined) {
        await appendSummary(values.summary, '## alertproof mutate: a case does not hold without any slip')
      }
      return 1
    }
    const { verdicts, stale } = mutateAll(cases, equivalents, values, io)
    if (values.summary !== undefined) await appendSummary(values.summary, markdownOf(verdicts, stale))
    return stale.length === 0 && !verdicts.some(survived) ? 0 : 1
  },
}

/** @returns undefined if a case does not hold: it could tell nothing of a slip */
async function casesOf(paths: readonly string[], io: Io): Promise<Case[] | undefined> {
  const files = await findCases(paths)
  const results: CaseResult[] = [...files.broken]
  for await (const result of runCases(files, false)) results.push(result)
  const unreadable = results.flatMap((result) => ('unreadable' in result ? [result.unreadable] : []))
  if (unreadable.length > 0) throw new InputError(unreadable.join('\n'))
  if (results.length === 0) throw new InputError(`${paths.join(', ')}: holds no case`)
  const cases: Case[] = []
  let holds = true
  for (const result of results) {
    if ('unreadable' in result) continue
    cases.push(result.case)
    if (result.verdict.holds) continue
    holds = false
    io.err(`${printable(result.file)} does not hold:\n`)
    for (const line of faultsOf(result.case, result.verdict)) io.err(`  ${printable(line)}\n`)
  }
  return holds ? cases : undefined
}

function mutateAll(
  cases: readonly Case[],
  equivalents: Equivalents,
  options: { readonly all: boolean; readonly json: boolean },
  io: Io,
): { verdicts: MutantVerdict[]; stale: string[] } {
  const verdicts: MutantVerdict[] = []
  for (const tested of testedBy(cases)) {
    const own = [...mutate(tested, equivalents)]
    verdicts.push(...own)
    print(own, options, io)
    const left = own.filter(survived).length
    io.err(`${tested.slug}: ${own.length} slips, ${left === 0 ? 'all noticed' : `${left} not noticed`}.\n`)
  }
  const stale = staleIn(equivalents, verdicts)
  for (const line of stale) io.err(`${printable(line)}\n`)
  return { verdicts, stale }
}

/** The slips that nobody would notice, and how many there are in all. */
function markdownOf(verdicts: readonly MutantVerdict[], stale: readonly string[]): string {
  const left = verdicts.filter(survived)
  const noticed = verdicts.filter(({ killer }) => killer !== undefined).length
  const equivalent = verdicts.length - noticed - left.length
  const verdict = left.length + stale.length === 0 ? 'every slip is noticed' : `${left.length} slips are not noticed`
  const rows = left.map(({ monitor, mutant: { name, place } }) => [monitor, name, place])
  return [
    `## alertproof mutate: ${verdict}`,
    `${verdicts.length} slips: ${noticed} noticed, ${equivalent} equivalent, ${left.length} not noticed.`,
    ...(rows.length > 0 ? [markdownTable(['monitor', 'slip', 'place'], rows)] : []),
    ...(stale.length > 0
      ? [
          markdownTable(
            ['no longer true'],
            stale.map((line) => [line]),
          ),
        ]
      : []),
  ].join('\n\n')
}

const survived = ({ killer, equivalent }: MutantVerdict): boolean => killer === undefined && equivalent === undefined

function print(
  verdicts: readonly MutantVerdict[],
  options: { readonly all: boolean; readonly json: boolean },
  io: Io,
): void {
  if (options.json) for (const verdict of verdicts) json(io, recordOf(verdict))
  else if (options.all) io.out(`${columns(verdicts.map((verdict) => rowOf(verdict, io)))}\n`)
  else for (const verdict of verdicts.filter(survived)) io.out(survivorText(verdict, io))
}

const recordOf = ({ monitor, mutant, killer, equivalent }: MutantVerdict) => ({
  ...{ monitor, mutant: mutant.name, place: mutant.place, before: mutant.before, after: mutant.after },
  ...{ killed_by: killer ?? null, equivalent: equivalent ?? null },
})

function rowOf({ monitor, mutant, killer, equivalent }: MutantVerdict, io: Io): string[] {
  const named = [printable(monitor), printable(mutant.name)]
  if (killer !== undefined) return [paint(io, 'green', 'noticed'), ...named, printable(killer)]
  if (equivalent !== undefined) return [paint(io, 'dim', 'equivalent'), ...named, printable(equivalent)]
  return [paint(io, 'red', 'NOT NOTICED'), ...named, 'no case fails']
}

function survivorText({ monitor, mutant }: MutantVerdict, io: Io): string {
  const { name, place, before, after } = mutant
  const lines = lineDifference([before], [after]).map(
    (line) => `    ${paint(io, line.startsWith('-') ? 'red' : 'green', printable(line))}\n`,
  )
  return `${printable(monitor)}  ${paint(io, 'bold', printable(name))}\n  ${place}\n${lines.join('')}`
}

/** What the file calls equivalent and is not, or is not made any more. */
function staleIn(equivalents: Equivalents, verdicts: readonly MutantVerdict[]): string[] {
  return [...equivalents].flatMap(([slug, mutants]) =>
    [...mutants.keys()].flatMap((name) => {
      const verdict = verdicts.find(({ monitor, mutant }) => monitor === slug && mutant.name === name)
      if (!verdict) return [`${slug}: ${name}: is called equivalent, and there is no such slip`]
      return verdict.killer === undefined
        ? []
        : [`${slug}: ${name}: is called equivalent, and ${verdict.killer} notices it`]
    }),
  )
}
