import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadMonitors, type Monitor } from 'alertproof'
import { type Profile, profiles } from '../../detections/profiles.ts'
import { RELEASE, TACTICS, TECHNIQUES } from '../../proof/lint/attack-matrix.ts'
import { tagsOf } from '../../proof/lint/rules.ts'
import { policyFor } from '../../shared/containment/policy.ts'

const INTRODUCTION = `# Detections

<!-- Generated from detections/, runbooks/ and shared/containment/policy.ts by \`npm run docs\`. Edit them there. -->

Each detection is a Datadog log monitor in [\`detections/<slug>/monitor.json\`](../detections/), exactly as
\`POST /api/v1/monitor\` takes it, with cases that must and must not fire beside it, an attack and its benign twin in
[\`attacks/\`](../attacks/) and a runbook. \`npm run lint:detections\` holds all of that together; what is proved of each is
in [proving detections](proving-detections.md).

Every search begins with \`service:mini-ato-saas env:prod\`, which is left out below. Technique ids are those of ${RELEASE}.
Blind spots are the short form; each runbook has them whole.
`

/** @param root the project @returns docs/detections.md @throws Error when a detection has no runbook yet */
export async function detectionsPage(root: string): Promise<string> {
  const monitors = await loadMonitors(join(root, 'detections'))
  const runbooks = await readdir(join(root, 'runbooks'))
  const rows = await Promise.all(
    monitors.map(async (monitor) => {
      const [id] = tagsOf(monitor, 'runbook')
      const file = `${id}-${monitor.slug}.md`
      if (!runbooks.includes(file)) {
        throw new Error(`runbooks/${file} is missing; npm run lint:detections names all that is`)
      }
      const text = await readFile(join(root, 'runbooks', file), 'utf8')
      return { id: id ?? '', monitor, file, blindSpots: blindSpotsOf(text) }
    }),
  )
  rows.sort((a, b) => (a.id < b.id ? -1 : 1))
  return `${INTRODUCTION}
| Detection | ATT&CK | Search, and when it fires | Contains | Runbook | Blind spots |
|---|---|---|---|---|---|
${rows.map(({ id, monitor, file, blindSpots }) => catalogueRow(monitor, id, file, blindSpots)).join('\n')}

## Techniques

| Technique | Tactics of the detections | Detections |
|---|---|---|
${techniqueRows(monitors).join('\n')}

## Thresholds: demo and prod

The files are the profile \`demo\`: low enough that an attack in the lab crosses them within seconds. \`prod\` is where to begin
with real traffic, and no more than that: replay a week of your own log (\`npm run replay\`) before you turn containment on.

\`\`\`sh
npm run detections -- push --profile prod
\`\`\`

shows what would be written, and writes it with \`--apply\`; it needs [the account's keys](datadog.md). The files stay as they are.

| Detection | demo | prod | Where the number comes from |
|---|---|---|---|
${rows.map(({ monitor }) => profileRow(monitor)).join('\n')}
`
}

function catalogueRow(monitor: Monitor, id: string, file: string, blindSpots: readonly string[]): string {
  const { slug } = monitor
  const policy = policyFor(slug)
  const contains = policy?.action === 'notify' ? 'nobody: a page' : `${policy?.contain}: \`${policy?.action}\``
  const cells = [
    `[${slug}](../detections/${slug}/monitor.json)`,
    techniquesOf(monitor).map(techniqueLink).join(', '),
    fires(monitor),
    contains,
    `[${id}](../runbooks/${file})`,
    blindSpots.map((each) => `${each}.`).join(' '),
  ]
  return `| ${cells.join(' | ')} |`
}

/** The search in short, what is counted, by what, over how long, and the limit. */
function fires({ parsed, query }: Monitor): string {
  const search = parsed.search.replace('service:mini-ato-saas env:prod ', '')
  const counted = 'of' in parsed.rollup ? `${parsed.rollup.kind} of \`${parsed.rollup.of.name}\`` : parsed.rollup.kind
  const by = parsed.by.length === 0 ? 'over all' : `by ${parsed.by.map(({ name }) => `\`${name}\``).join(', ')}`
  return `\`${search}\`<br>${counted} ${by} in ${windowOf(query)} ${parsed.operator} ${parsed.threshold}`
}

/** The window in the query's own words: `5m`. */
const windowOf = (query: string): string => /\.last\("(\w+)"\)/.exec(query)?.[1] ?? ''

const techniquesOf = (monitor: Monitor): string[] => tagsOf(monitor, 'technique')

const techniqueLink = (id: string): string => `[${id}](https://attack.mitre.org/techniques/${id.replace('.', '/')}/)`

function techniqueRows(monitors: readonly Monitor[]): string[] {
  const ids = [...new Set(monitors.flatMap(techniquesOf))].sort()
  return ids.map((id) => {
    const having = monitors.filter((monitor) => techniquesOf(monitor).includes(id))
    const served = TECHNIQUES[id]?.tactics.filter((tactic) =>
      having.some((each) => tagsOf(each, 'tactic').includes(tactic)),
    )
    const tactics = served?.map((tactic) => `${tactic} ${TACTICS[tactic]}`).join(', ')
    return `| ${techniqueLink(id)} ${TECHNIQUES[id]?.name} | ${tactics} | ${having.map(({ slug }) => slug).join(', ')} |`
  })
}

function profileRow({ slug, parsed, query }: Monitor): string {
  const prod: Profile = profiles.prod
  const { threshold, window: other, source = '' } = prod[slug] ?? {}
  const window = windowOf(query)
  const said = (last: string, number: number) => `${parsed.operator} ${number} in ${last}`
  const inProd = said(other?.last ?? window, threshold ?? parsed.threshold)
  return `| ${slug} | ${said(window, parsed.threshold)} | ${inProd} | ${source} |`
}

/** How each blind spot of a runbook begins: what stands bold there. */
function blindSpotsOf(runbook: string): string[] {
  const part = runbook.split(/^## /m).find((each) => each.startsWith('Blind spots')) ?? ''
  return [...part.matchAll(/^- \*\*([\s\S]+?)\*\*/gm)].map(([, lead = '']) =>
    lead.replace(/\s+/g, ' ').replace(/[.:,]+$/, ''),
  )
}
