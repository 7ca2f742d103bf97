import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { live } from './live.ts'
import { hrefOf, route, type ViewName } from './route.ts'
import { Icon } from './ui/icon.tsx'

export const TITLES = {
  loop: 'Loop',
  monitors: 'Monitors',
  sessions: 'Sessions',
  events: 'Events',
  attacks: 'Attacks',
  containments: 'Containments',
  deliveries: 'Deliveries',
  mail: 'Mail',
  rum: 'RUM',
} as const satisfies Record<ViewName, string>

const GROUPS: readonly { title: string; views: readonly ViewName[] }[] = [
  { title: 'Watch', views: ['loop', 'monitors', 'sessions', 'events'] },
  { title: 'Act', views: ['attacks', 'containments', 'deliveries'] },
  { title: 'Read', views: ['mail', 'rum'] },
]

/** On a narrow screen the list of views opens with a button. */
const opened = signal(false)

export function Nav() {
  const { name } = route.value
  // A view was chosen, so the list has done its work.
  useEffect(() => {
    opened.value = false
  }, [name])
  return (
    <header class="rail">
      <div class="rail-head">
        <a class="brand" href={hrefOf('loop')}>
          <Icon name="loop" />
          <span>
            ATO lab <span class="brand-sub">console</span>
          </span>
        </a>
        <Connection />
        <button
          type="button"
          class="quiet small menu"
          aria-expanded={opened.value}
          aria-controls="views"
          onClick={() => {
            opened.value = !opened.value
          }}
        >
          <Icon name={opened.value ? 'close' : 'menu'} />
          {TITLES[name]}
        </button>
      </div>
      <nav id="views" class={opened.value ? 'views open' : 'views'} aria-label="Views">
        {GROUPS.map(({ title, views }) => (
          <div class="view-group" key={title}>
            <p class="view-group-title">{title}</p>
            <ul>
              {views.map((view) => (
                <li key={view}>
                  <a href={hrefOf(view)} aria-current={view === name ? 'page' : undefined}>
                    <Icon name={view} />
                    {TITLES[view]}
                    <Count view={view} />
                  </a>
                </li>
              ))}
            </ul>
          </div>
        ))}
        <Places />
      </nav>
    </header>
  )
}

/** A number beside a view, where one helps to decide whether to look. */
function Count({ view }: { view: ViewName }) {
  const count = countOf(view)
  if (!count) return null
  return <span class={`count ${count.alert ? 'alert' : ''}`}>{count.text}</span>
}

function countOf(view: ViewName): { text: string; alert?: boolean } | undefined {
  if (view === 'monitors') {
    const alerting = live.monitors.value.filter(({ groups }) => groups.some(({ state }) => state === 'Alert')).length
    return alerting === 0 ? undefined : { text: `${alerting} alerting`, alert: true }
  }
  if (view === 'sessions') {
    const alive = live.sessions.value.filter(({ ended_at }) => ended_at === null).length
    return alive === 0 ? undefined : { text: `${alive} alive` }
  }
  if (view === 'events') {
    const rate = Math.round(live.logs.value?.per_second ?? 0)
    return rate === 0 ? undefined : { text: `${rate}/s` }
  }
  if (view === 'attacks') {
    return live.attackRuns.value.some(({ ended_at }) => ended_at === null) ? { text: 'running' } : undefined
  }
  return undefined
}

const WORDS = { connecting: 'Connecting', live: 'Live', lost: 'Not connected' } as const

function Connection() {
  const state = live.connection.value
  return (
    <span class={`connection ${state}`} role="status">
      <span class="dot" aria-hidden="true" />
      {WORDS[state]}
    </span>
  )
}

/** What this console looks at. */
function Places() {
  const info = live.info.value
  if (!info) return null
  return (
    <div class="places">
      <a href={info.urls.web} target="_blank" rel="noreferrer">
        The service, as a person sees it
        <Icon name="external" />
      </a>
      <p class="muted">
        Monitors are evaluated {info.mode === 'arrival' ? 'at each event' : info.mode}
        {info.exercise && <> · exercise {info.exercise}</>}
      </p>
    </div>
  )
}
