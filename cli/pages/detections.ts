import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadMonitors, type SearchMonitor } from 'alertproof'
import { type Profile, profiles } from '../../detections/profiles.ts'
import { RELEASE, TACTICS, TECHNIQUES } from '../../proof/lint/attack-matrix.ts'
import { tagsOf } from '../../proof/lint/rules.ts'
import { policyFor } from '../../shared/containment/policy.ts'

const INTRODUCTION = `# Detections

<!-- Generated from detections/, runbooks/ and shared/containment/policy.ts by \`npm run docs\`. Edit them there. -->

Each detection is a Datadog log monitor in [\`detections/<slug>/monitor.json\`](../detections/), in the form that
\`POST /api/v1/monitor\` accepts. Beside it are cases that must fire and cases that must not. It also has an attack with a
benign twin in [\`attacks/\`](../attacks/), and a runbook. \`npm run lint:detections\` checks that these fit together.
[Proving detections](proving-detections.md) says what is proved of each.

Every search begins with \`service:mini-ato-saas env:prod\`, which is left out below. Technique ids are from ${RELEASE}.
Blind spots are shortened; each runbook has the full text.
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
        throw new Error(`runbooks/${file} is missing: write it. npm run lint:detections lists all missing files`)
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

The files hold the profile \`demo\`, whose thresholds are so low that an attack in the lab crosses them within seconds. \`prod\`
is only a starting point for real traffic: replay a week of your own log (\`npm run replay\`) before you turn containment on.

\`\`\`sh
npm run detections -- push --profile prod
\`\`\`

shows the changes, and writes them with \`--apply\`. It needs [the account's keys](datadog.md) and does not change the files.

| Detection | demo | prod | Where the number comes from |
|---|---|---|---|
${rows.map(({ monitor }) => profileRow(monitor)).join('\n')}
`
}

function catalogueRow(monitor: SearchMonitor, id: string, file: string, blindSpots: readonly string[]): string {
  const { slug } = monitor
  const policy = policyFor(slug)
  const contains =
    policy?.action === 'notify' ? 'nothing: it pages a person' : `${policy?.contain}: \`${policy?.action}\``
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

/** The search without its common prefix, the rollup, the groups, the window and the threshold. */
function fires({ parsed, query }: SearchMonitor): string {
  const search = parsed.search.replace('service:mini-ato-saas env:prod ', '')
  const counted = 'of' in parsed.rollup ? `${parsed.rollup.kind} of \`${parsed.rollup.of.name}\`` : parsed.rollup.kind
  const by = parsed.by.length === 0 ? 'over all' : `by ${parsed.by.map(({ name }) => `\`${name}\``).join(', ')}`
  return `\`${search}\`<br>${counted} ${by} in ${windowOf(query)} ${parsed.operator} ${parsed.threshold}`
}

/** The window as the query writes it: `5m`. */
const windowOf = (query: string): string => /\.last\("(\w+)"\)/.exec(query)?.[1] ?? ''

const techniquesOf = (monitor: SearchMonitor): string[] => tagsOf(monitor, 'technique')

const techniqueLink = (id: string): string => `[${id}](https://attack.mitre.org/techniques/${id.replace('.', '/')}/)`

function techniqueRows(monitors: readonly SearchMonitor[]): string[] {
  const ids = [...new Set(monitors.flatMap(techniquesOf))].sort()
  return ids.map((id) => {
    const tagged = monitors.filter((monitor) => techniquesOf(monitor).includes(id))
    const served = TECHNIQUES[id]?.tactics.filter((tactic) =>
      tagged.some((each) => tagsOf(each, 'tactic').includes(tactic)),
    )
    const tactics = served?.map((tactic) => `${tactic} ${TACTICS[tactic]}`).join(', ')
    return `| ${techniqueLink(id)} ${TECHNIQUES[id]?.name} | ${tactics} | ${tagged.map(({ slug }) => slug).join(', ')} |`
  })
}

function profileRow({ slug, parsed, query }: SearchMonitor): string {
  const prod: Profile = profiles.prod
  const { threshold, window: other, source = '' } = prod[slug] ?? {}
  const window = windowOf(query)
  const condition = (last: string, number: number) => `${parsed.operator} ${number} in ${last}`
  const inProd = condition(other?.last ?? window, threshold ?? parsed.threshold)
  return `| ${slug} | ${condition(window, parsed.threshold)} | ${inProd} | ${source} |`
}

/** The bold beginning of each blind spot in a runbook. */
function blindSpotsOf(runbook: string): string[] {
  const part = runbook.split(/^## /m).find((each) => each.startsWith('Blind spots')) ?? ''
  return [...part.matchAll(/^- \*\*([\s\S]+?)\*\*/gm)].map(([, lead = '']) =>
    lead.replace(/\s+/g, ' ').replace(/[.:,]+$/, ''),
  )
}
