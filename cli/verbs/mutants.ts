import { MonitorError } from 'alertproof'
import {
  type Command,
  columns,
  duration,
  type Io,
  json,
  paint,
  readArguments,
  UsageError,
  unknownName,
} from 'alertproof/cli'
import { loadRules, type SiemRule } from 'alertproof/siem'
import { type Detection, loadDetections } from '../../detections/harness.ts'
import { mutate, Stale, survived, type Verdict } from '../../proof/mutants/mutation.ts'
import { mutateRule } from '../../proof/mutants/rule-mutants.ts'

const USAGE = `Usage: npm run test:mutants [-- <slug>… --json --survivors]

Mutates each detection by one mistake at a time (an @ left out, another field, operator, threshold, window, group, rollup
or option; a term left out or negated) and runs its cases and the claims about every detection against each mutant. A case
must kill the mutant: its name is printed. The mistakes in the query are made in the Cloud SIEM rule of a detection as well.

  <slug>…      only these detections

Options:
  --json       print one line per mutant: {detection, mutant, killed_by: {case, mode} | null, equivalent: reason | null}
  --survivors  print only survivors, and equivalent mutants with the reason
  --help       this text

Exit code: 0 if every mutant is killed or equivalent, 1 if one survived, 2 for unusable arguments.

Examples:
  npm run test:mutants
  npm run test:mutants -- credential-stuffing --survivors
`

export const command: Command = {
  name: 'mutants',
  summary: 'mutate each detection and name the case that kills each mutant',
  usage: USAGE,
  async run(argv, io) {
    const { values, positionals } = readArguments({
      args: [...argv],
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false }, survivors: { type: 'boolean', default: false } },
    })
    return mutateAll(choose(await load(), positionals), values, io, await loadRules('detections'))
  },
}

async function load(): Promise<Detection[]> {
  try {
    return await loadDetections('detections')
  } catch (error) {
    if (error instanceof MonitorError) throw new UsageError(error.message)
    throw error
  }
}

function choose(all: readonly Detection[], slugs: readonly string[]): readonly Detection[] {
  const known = all.map(({ monitor }) => monitor.slug)
  const unknown = slugs.find((slug) => !known.includes(slug))
  if (unknown !== undefined) throw new UsageError(unknownName('detection', unknown, known))
  return slugs.length === 0 ? all : all.filter(({ monitor }) => slugs.includes(monitor.slug))
}

/** @returns the exit code */
export async function mutateAll(
  detections: readonly Detection[],
  options: { json: boolean; survivors: boolean },
  io: Io,
  rules: readonly SiemRule[] = [],
): Promise<number> {
  const started = performance.now()
  const all: Verdict[] = []
  let stale = false
  for (const detection of detections) {
    io.signal.throwIfAborted()
    const { verdicts, fault } = await verdictsOf(detection)
    tell(detection.monitor.slug, verdicts, options, io)
    all.push(...verdicts)
    if (fault !== undefined) {
      stale = true
      io.err(`${fault}\n`)
    }
    for (const rule of rules.filter(({ slug }) => slug === detection.monitor.slug)) {
      const ofRule = mutateRule(rule, detection)
      tell(`${rule.slug}/siem`, ofRule, options, io)
      all.push(...ofRule)
    }
  }
  const killed = all.filter(({ killer }) => killer).length
  const left = all.filter(survived).length
  const counts = `${killed} killed, ${all.length - killed - left} equivalent, ${left} survived`
  const summary = `${all.length} mutants of ${detections.length} detections: ${counts}`
  const holds = left === 0 && !stale
  io.err(`${paint(io, holds ? 'green' : 'red', summary)}, in ${duration(performance.now() - started)}\n`)
  return holds ? 0 : 1
}

function tell(
  name: string,
  verdicts: readonly Verdict[],
  options: { json: boolean; survivors: boolean },
  io: Io,
): void {
  print(options.survivors ? verdicts.filter(({ killer }) => !killer) : verdicts, options.json, io)
  const left = verdicts.filter(survived).length
  io.err(`${name}: ${verdicts.length} mutants, ${left === 0 ? 'none' : left} survived\n`)
}

async function verdictsOf(detection: Detection): Promise<{ verdicts: Verdict[]; fault?: string }> {
  const verdicts: Verdict[] = []
  try {
    for await (const verdict of mutate(detection)) verdicts.push(verdict)
    return { verdicts }
  } catch (error) {
    if (error instanceof Stale) return { verdicts, fault: error.message }
    throw error
  }
}

function print(verdicts: readonly Verdict[], asJson: boolean, io: Io): void {
  if (asJson) for (const verdict of verdicts) json(io, record(verdict))
  else if (verdicts.length > 0) io.out(`${columns(verdicts.map((verdict) => row(verdict, io)))}\n`)
}

const record = ({ detection, mutant, killer, equivalent }: Verdict) => ({
  detection,
  mutant,
  killed_by: killer ? { case: killer.name, mode: killer.mode } : null,
  equivalent: equivalent ?? null,
})

function row(verdict: Verdict, io: Io): string[] {
  const { detection, mutant, killer, equivalent } = verdict
  if (killer) return [detection, paint(io, 'green', 'killed'), mutant, `${killer.name} (${killer.mode})`]
  return equivalent === undefined
    ? [detection, paint(io, 'red', 'SURVIVED'), mutant, 'no case fails']
    : [detection, paint(io, 'dim', 'equivalent'), mutant, equivalent]
}
