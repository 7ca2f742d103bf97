import { relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Command, type Io, json, paint, readArguments, UsageError, unknownName } from 'alertproof/cli'
import { type ProfileName, profiles } from '../../detections/profiles.ts'
import type { Change, Plan } from '../../ops/datadog-api/plan.ts'
import { DATADOG_SITES } from '../../shared/config.ts'
import { Secret } from '../../shared/secret.ts'
import { commandNamed } from '../command-named.ts'

const SITES: readonly string[] = DATADOG_SITES
const PROJECT = fileURLToPath(new URL('../..', import.meta.url))

const USAGE = `Usage: npm run detections -- push [--apply] [options]
       npm run detections -- diff [options]
       npm run detections -- lint [--dir DIR] [--json]

Writes the monitors, the rules of Cloud SIEM, the webhook with its custom variables, the log pipeline and the dashboard
of detections/ to a Datadog account. In an account without Cloud SIEM, the rules are left out.

  push   show the changes, and write them with --apply. A second run changes nothing
  diff   show the changes; exit code 1 if there are any
  lint   check the files against Datadog's schema and the rules for detections, without an account. Prints the file,
         place, fault and remedy of each finding; exit code 1 if there are any. Also npm run lint:detections

Objects of an earlier run are recognized by their tags (managed-by:mini-ato-saas, detection:<slug>). No other object is
changed, and nothing is deleted. A key that was removed from a file stays in Datadog.

Environment (secrets are never printed):
  DD_API_KEY, DD_APP_KEY  keys of the account
  DD_SITE                 site of the account: ${SITES.slice(0, 4).join(', ')}, …
  ATO_FUNCTIONS_ORIGIN    origin to which the webhook sends alerts, e.g. https://ato.azurewebsites.net
  ATO_FUNCTION_KEY        function key of contain
  ATO_WEBHOOK_SECRET      secret of the functions; the first one of a list is used
The last three are required to create the custom variables. Later, a variable that is not set is left unchanged.

Options:
  --apply          write the changes; without it nothing is written
  --profile NAME   thresholds of monitors and rules: ${Object.keys(profiles).join(' or ')} (default demo: those of the files);
                   docs/detections.md lists the numbers and their sources
  --site SITE      site of the account, instead of DD_SITE
  --dir DIR        folder of the files (default detections)
  --write-secrets  write hidden variables again; they cannot be read back for a comparison
  --adopt          take over an existing webhook and variables of the same names, which have no tags
  --json           print one JSON document on stdout

Exit code: 0 for success, 1 for a failure or, with diff and lint, for a finding, 2 for unusable arguments.
`

export const command: Command = {
  name: 'detections',
  summary: 'write monitors, webhook, pipeline and dashboard to a Datadog account',
  usage: USAGE,
  async run(argv, io) {
    const { values, positionals } = readArguments({
      args: [...argv],
      allowPositionals: true,
      options: {
        apply: { type: 'boolean', default: false },
        site: { type: 'string' },
        profile: { type: 'string', default: 'demo' },
        dir: { type: 'string', default: 'detections' },
        'write-secrets': { type: 'boolean', default: false },
        adopt: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    })
    const [first, ...rest] = positionals
    const verb = commandNamed(first, ['push', 'diff', 'lint'])
    if (rest.length > 0) throw new UsageError(`Unexpected argument "${rest[0]}": ${verb} takes options only.`)
    if (verb === 'lint') return lint(values.dir, values.json, io)
    const profile = profileNamed(values.profile)
    if (verb === 'diff' && values.apply) throw new UsageError('diff does not take --apply: to write, use push --apply')
    const account = accountOf(process.env, values.site)

    // Datadog's client loads slowly, so it is imported only here.
    const { loadCatalogue } = await import('../../ops/datadog-api/catalogue.ts')
    const { connectApi } = await import('../../ops/datadog-api/client.ts')
    const { applyPlan, planChanges } = await import('../../ops/datadog-api/plan.ts')
    const { readVariables } = await import('../../ops/datadog-api/variables.ts')

    const catalogue = await loadCatalogue(resolve(values.dir), profile)
    const { variables, faults } = readVariables(catalogue.webhook, process.env)
    if (faults.length > 0)
      throw new Error(`The environment is not usable:\n${faults.map((each) => `  ${each}`).join('\n')}`)
    const hide = hider([
      account.apiKey,
      account.appKey,
      ...variables.flatMap(({ hidden, value }) => (hidden && value ? [value] : [])),
    ])
    try {
      const api = connectApi({ ...account, signal: io.signal })
      const options = { adopt: values.adopt, writeSecrets: values['write-secrets'] }
      const plan = await planChanges(api, catalogue, variables, options)
      const due = plan.changes.filter(({ action }) => action !== 'keep')
      const applies = values.apply && plan.faults.length === 0
      const report = { url: account.url, applied: applies, ...forPrograms(plan) }
      if (!values.json) io.out(hide(describePlan(plan, account.url, io)))
      if (applies) await applyPlan(plan, ({ action, kind, name }) => io.err(`${action}d ${kind} ${name}\n`))
      if (values.json) json({ out: (text) => io.out(hide(text)) }, report)
      else io.err(ending(due, plan.faults.length > 0, applies, verb))
      return plan.faults.length > 0 || (verb === 'diff' && due.length > 0) ? 1 : 0
    } catch (error) {
      // Datadog's answer may quote the request.
      throw error instanceof Error ? new Error(hide(error.message), { cause: error }) : error
    }
  },
}

const isProfile = (name: string): name is ProfileName => Object.hasOwn(profiles, name)

/** @throws UsageError for an unknown profile */
function profileNamed(name: string): ProfileName {
  if (isProfile(name)) return name
  throw new UsageError(unknownName('profile', name, Object.keys(profiles)))
}

async function lint(dir: string, asJson: boolean, io: Io): Promise<number> {
  const { lintDetections } = await import('../../proof/lint/lint.ts')
  const { files, findings } = await lintDetections(dir, PROJECT)
  if (asJson) json(io, { files, findings })
  else {
    for (const { file, place, what, remedy } of findings) {
      io.out(
        `${paint(io, 'bold', [relativeIfBelow(file), place].filter(Boolean).join(': '))}\n  ${what}\n  ${paint(io, 'dim', remedy)}\n`,
      )
    }
    const count = findings.length === 1 ? '1 finding' : `${findings.length} findings`
    io.err(`${files} files, ${paint(io, findings.length === 0 ? 'green' : 'red', count)}.\n`)
  }
  return findings.length === 0 ? 0 : 1
}

/** @returns the path from here where the file lies below, and the file’s own path elsewhere */
function relativeIfBelow(file: string): string {
  const path = relative('', file)
  return path.startsWith('..') ? file : path
}

/** @throws Error naming every variable that is missing */
function accountOf(env: NodeJS.ProcessEnv, siteOption: string | undefined) {
  const site = siteOption ?? env.DD_SITE ?? ''
  const missing = ['DD_API_KEY', 'DD_APP_KEY'].filter((name) => !env[name]).map((name) => `${name}: is missing`)
  if (env.DD_API_URL === undefined && site === '') missing.push('DD_SITE: is missing; set it or give --site')
  if (missing.length > 0) {
    throw new Error(`The environment is not usable:\n${missing.map((each) => `  ${each}`).join('\n')}`)
  }
  if (env.DD_API_URL === undefined && !SITES.includes(site)) {
    throw new UsageError(unknownName('Datadog site', site, SITES))
  }
  return {
    url: env.DD_API_URL === undefined ? `https://api.${site}` : loopback(env.DD_API_URL),
    apiKey: new Secret(env.DD_API_KEY ?? ''),
    appKey: new Secret(env.DD_APP_KEY ?? ''),
  }
}

/** Tests set DD_API_URL. Only loopback is accepted, so that a forgotten setting cannot send the account's keys elsewhere. */
function loopback(url: string): string {
  if (/^http:\/\/127\.0\.0\.1:\d+$/.test(url)) return url
  throw new UsageError('DD_API_URL is for tests: it must be http://127.0.0.1:<port>')
}

const hider = (secrets: readonly Secret[]) => (text: string) =>
  secrets.reduce((hidden, secret) => hidden.replaceAll(secret.reveal(), '[hidden]'), text)

const forPrograms = ({ changes, notes, faults }: Plan) => ({
  changes: changes.map(({ write: _, ...change }) => change),
  notes,
  faults,
})

const SIGNS = { create: ['+', 'green'], change: ['~', 'yellow'], keep: ['=', 'dim'] } as const

function describePlan({ changes, notes, faults }: Plan, url: string, io: Io): string {
  const lines = [`${url}`, '']
  for (const change of changes) {
    const [sign, tone] = SIGNS[change.action]
    const id = change.id === undefined ? '' : ` (${change.id})`
    const note = change.note === undefined ? '' : `  ${change.note}`
    lines.push(paint(io, tone, `${sign} ${change.kind.padEnd(9)} ${change.name}${id}${note}`))
    lines.push(...changedLines(change, io))
  }
  if (notes.length > 0) lines.push('', ...notes.map((note) => paint(io, 'dim', `note: ${note}`)))
  if (faults.length > 0) lines.push('', ...faults.map((fault) => paint(io, 'red', `fault: ${fault}`)))
  return `${lines.join('\n')}\n\n`
}

/** The old and new values of a change. A new object is in its file, so only a new variable is printed. */
function changedLines({ action, kind, differences }: Change, io: Io): string[] {
  if (action === 'create' && kind !== 'variable') return []
  return differences.flatMap(({ path, from, to }) => [
    `    ${path}`,
    ...(from === undefined ? [] : [paint(io, 'red', `      - ${shorten(from)}`)]),
    ...(to === undefined ? [] : [paint(io, 'green', `      + ${shorten(to)}`)]),
  ])
}

const MAX_SHOWN = 400

function shorten(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return (text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text).replaceAll('\n', '\n        ')
}

function ending(due: readonly Change[], faulty: boolean, applied: boolean, verb: 'push' | 'diff'): string {
  if (faulty) return 'Nothing was written. Correct the faults and run it again.\n'
  if (due.length === 0) return 'No differences: nothing to write.\n'
  if (applied) return `${due.length} written.\n`
  return `${due.length} to write. Nothing was written${verb === 'push' ? ': add --apply' : ''}.\n`
}
