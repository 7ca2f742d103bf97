import { relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type ProfileName, profiles } from '../../detections/profiles.ts'
import type { Change, Plan } from '../../ops/datadog-api/plan.ts'
import { DATADOG_SITES } from '../../shared/config.ts'
import { Secret } from '../../shared/secret.ts'
import { type Command, type Io, UsageError } from '../command.ts'
import { json, paint } from '../output.ts'

const SITES: readonly string[] = DATADOG_SITES
const PROJECT = fileURLToPath(new URL('../..', import.meta.url))

const usage = `Usage: npm run detections -- push [--apply] [options]
       npm run detections -- diff [options]
       npm run detections -- lint [--dir DIR] [--json]

Brings the monitors, the webhook with its custom variables, the log pipeline and the dashboard of detections/ into a
Datadog account.

  push   shows what would change; with --apply, writes it. Run twice, the second time changes nothing
  diff   the same comparison; exit code 1 when something differs
  lint   holds every file to what Datadog takes and to what a detection must be, without an account: each finding with
         its file, place and remedy; exit code 1 when there is one. Also npm run lint:detections

What an earlier run made is known by its tags (managed-by:mini-ato-saas, detection:<slug>); nothing else is ever changed,
and nothing is deleted. A key that a file no longer names stays in Datadog as it is.

Read from the environment, and never printed:
  DD_API_KEY, DD_APP_KEY  keys of the account
  DD_SITE                 where the account is: ${SITES.slice(0, 4).join(', ')}, …
  ATO_FUNCTIONS_ORIGIN    where the webhook sends its alerts, e.g. https://ato.azurewebsites.net
  ATO_FUNCTION_KEY        the function key of contain
  ATO_WEBHOOK_SECRET      as the functions have it; of a list the first is sent
The last three are needed to create the custom variables; later, each may be left out to stay as it is.

Options:
  --apply          writes; without it nothing is written
  --profile NAME   thresholds of the monitors: ${Object.keys(profiles).join(' or ')} (default demo: the files as they are);
                   the numbers and their sources are in docs/detections.md
  --site SITE      instead of DD_SITE
  --dir DIR        the files (default detections)
  --write-secrets  writes hidden variables again, which cannot be read back to be compared
  --adopt          takes over a webhook and variables of our names that nothing shows to be ours
  --json           one JSON document on stdout

Exit codes: 0 done, or nothing to do; 1 it cannot be done, or diff or lint found something; 2 usage
`

export const command: Command = {
  name: 'detections',
  summary: 'bring monitors, webhook, pipeline and dashboard into a Datadog account',
  usage,
  async run(argv, io) {
    const { values, positionals } = parseArgs({
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
    const [verb, ...rest] = positionals
    if (verb !== 'push' && verb !== 'diff' && verb !== 'lint') throw new UsageError('Say push, diff or lint.')
    if (rest.length > 0) throw new UsageError(`What is ${rest[0]}?`)
    if (verb === 'lint') return lint(values.dir, values.json, io)
    const profile = profileNamed(values.profile)
    if (verb === 'diff' && values.apply) throw new UsageError('diff writes nothing: push --apply does')
    const account = accountOf(process.env, values.site)

    // Datadog's client takes its time to load: only who needs it waits for it.
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
      // What Datadog answers may quote what it was sent.
      throw error instanceof Error ? new Error(hide(error.message), { cause: error }) : error
    }
  },
}

/** @throws UsageError */
function profileNamed(name: string): ProfileName {
  if (Object.hasOwn(profiles, name)) return name as ProfileName
  throw new UsageError(`There is no profile ${name}; there are: ${Object.keys(profiles).join(', ')}`)
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
  if (env.DD_API_URL === undefined && site === '') missing.push('DD_SITE: is missing, and --site too')
  if (missing.length > 0) {
    throw new Error(`The environment is not usable:\n${missing.map((each) => `  ${each}`).join('\n')}`)
  }
  if (env.DD_API_URL === undefined && !SITES.includes(site)) {
    throw new UsageError(`${site} is no Datadog site. Known are: ${SITES.join(', ')}`)
  }
  return {
    url: env.DD_API_URL === undefined ? `https://api.${site}` : loopback(env.DD_API_URL),
    apiKey: new Secret(env.DD_API_KEY ?? ''),
    appKey: new Secret(env.DD_APP_KEY ?? ''),
  }
}

/** For tests alone: a setting left behind must not carry the keys of an account to some other host. */
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

/** What is created whole is in its file; of a change both sides are shown. */
function changedLines({ action, kind, differences }: Change, io: Io): string[] {
  if (action === 'create' && kind !== 'variable') return []
  return differences.flatMap(({ path, from, to }) => [
    `    ${path}`,
    ...(from === undefined ? [] : [paint(io, 'red', `      - ${shorten(from)}`)]),
    ...(to === undefined ? [] : [paint(io, 'green', `      + ${shorten(to)}`)]),
  ])
}

const LONGEST = 400

function shorten(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text).replaceAll('\n', '\n        ')
}

function ending(due: readonly Change[], faulty: boolean, applied: boolean, verb: 'push' | 'diff'): string {
  if (faulty) return 'Nothing was written: mend the faults first.\n'
  if (due.length === 0) return 'Everything is as it should be: nothing to write.\n'
  if (applied) return `${due.length} written.\n`
  return `${due.length} to write. Nothing was written${verb === 'push' ? ': add --apply' : ''}.\n`
}
