import type { AttackView } from '../../api.ts'
import { live } from '../live.ts'
import { hrefOf, route } from '../route.ts'
import { Badge } from '../ui/badge.tsx'
import { FileLink } from '../ui/file-link.tsx'
import { EmptyState, ViewHead } from '../ui/view-head.tsx'
import { PlanForm } from './attacks/plan-form.tsx'
import { chosen, running, shownRun } from './attacks/state.ts'
import { Story } from './attacks/story.tsx'

/** Runs attacks and their twins, and shows what happens. */
export function AttacksView() {
  const attacks = live.attacks.value
  return (
    <div class="view">
      <ViewHead
        title="Attacks"
        sub="Each takes over an account by real requests to this lab, and must be seen and stopped. Its benign twin must not raise an alert."
      />
      {attacks.length === 0 ? (
        live.loaded.value && (
          <EmptyState title="This lab runs no attacks">
            <p>
              Run one in a terminal: <code>npm run attack -- list</code>
            </p>
          </EmptyState>
        )
      ) : (
        <div class="sides" data-chosen={route.value.query.slug !== undefined || running.value !== undefined}>
          <AttackList attacks={attacks} />
          <div class="sides-main">
            <a class="sides-back" href={hrefOf('attacks')}>
              All attacks
            </a>
            <Panels />
            <Runs />
          </div>
        </div>
      )}
    </div>
  )
}

const AttackList = ({ attacks }: { attacks: readonly AttackView[] }) => (
  <nav class="card sides-list" aria-label="Attacks">
    <ul>
      {attacks.map(({ slug, title, techniques }) => (
        <li key={slug}>
          <a
            class="sides-item"
            href={hrefOf('attacks', { slug })}
            aria-current={slug === chosen.value?.slug ? 'true' : undefined}
          >
            <span class="sides-title">{title}</span>
            <span class="sides-sub">{techniques.map(({ id }) => id).join(' ')}</span>
          </a>
        </li>
      ))}
    </ul>
  </nav>
)

function AttackPanel({ attack }: { attack: AttackView }) {
  return (
    <section class="card attack" aria-labelledby="attack-title">
      <h2 id="attack-title">{attack.title}</h2>
      <p>{attack.does}</p>
      <ul class="chips">
        {attack.techniques.map(({ id, name }) => (
          <li key={id}>
            <Badge tone="quiet">
              <span class="mono">{id}</span> {name}
            </Badge>
          </li>
        ))}
        <li>
          <Badge tone="info">must be {attack.ends}</Badge>
        </li>
      </ul>
      <p class="muted">
        Benign twin: {attack.twin_does} {attack.runbook !== null && <FileLink path={attack.runbook} />}
      </p>
      <PlanForm attack={attack} key={attack.slug} />
    </section>
  )
}

/** The form and the shown run. The run comes first while it lasts, or if the address names it. */
function Panels() {
  const attack = chosen.value
  const run = shownRun.value
  const plan = attack && <AttackPanel key="plan" attack={attack} />
  const story = run && <Story key={run.id} run={run} />
  const isFirst = run !== undefined && (run.ended_at === null || run.id === route.value.query.run)
  return isFirst ? [story, plan] : [plan, story]
}

/** The runs since the lab's start, to be read again. */
function Runs() {
  const runs = live.attackRuns.value
  if (runs.length < 2) return null
  return (
    <nav class="card runs" aria-labelledby="runs-title">
      <h2 id="runs-title">Earlier runs</h2>
      <ul>
        {runs.map(({ id, slug, twin, target, ok, ended_at, seed }) => (
          <li key={id}>
            <a
              class="run-link"
              href={hrefOf('attacks', { slug, run: id })}
              aria-current={id === shownRun.value?.id ? 'true' : undefined}
            >
              {twin ? `twin of ${slug}` : slug}
            </a>
            <span class="muted">
              {target}, seed {seed}
            </span>
            <Badge tone={ended_at === null ? 'warning' : ok ? 'good' : 'danger'}>
              {ended_at === null ? 'runs' : ok ? 'holds' : ok === null ? 'stopped' : 'failed'}
            </Badge>
          </li>
        ))}
      </ul>
    </nav>
  )
}
