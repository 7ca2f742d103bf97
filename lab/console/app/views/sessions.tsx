import { signal } from '@preact/signals'
import type { SessionView } from '../../api.ts'
import { now } from '../clock.ts'
import { live } from '../live.ts'
import { STEAL } from '../run-attack.ts'
import { EmptyState, ViewHead } from '../ui/view-head.tsx'
import { RunButton, Running } from './loop/run.tsx'
import { SessionCard } from './sessions/session-card.tsx'

const FILTERS = {
  all: { label: 'All', takes: () => true },
  alive: { label: 'Alive', takes: ({ ended_at }) => ended_at === null },
  shared: { label: 'Two holders', takes: ({ holders }) => holders.length > 1 },
  dead: { label: 'Ended', takes: ({ ended_at }) => ended_at !== null },
} as const satisfies Record<string, { label: string; takes: (session: SessionView) => boolean }>
type Filter = keyof typeof FILTERS

const chosen = signal<Filter>('all')
const shown = signal(20)
const MORE = 20

/** Every session that the log names, with each of its holders. */
export function SessionsView() {
  const all = live.sessions.value
  const listed = sharedFirst(all.filter(FILTERS[chosen.value].takes))
  return (
    <>
      <ViewHead title="Sessions" sub="The holders of a session stand side by side; it turns grey when it ends.">
        <Filters all={all} />
      </ViewHead>
      <Running />
      {all.length === 0 && live.loaded.value && <NoSessions />}
      <ul class="sessions">
        {listed.slice(0, shown.value).map((session) => (
          <li key={session.sid}>
            <SessionCard session={session} />
          </li>
        ))}
      </ul>
      {all.length > 0 && listed.length === 0 && <p class="muted">No session is like that now.</p>}
      {listed.length > shown.value && (
        <button
          type="button"
          class="quiet"
          onClick={() => {
            shown.value += MORE
          }}
        >
          Show {Math.min(MORE, listed.length - shown.value)} more of {listed.length}
        </button>
      )}
    </>
  )
}

/** Sessions with two holders come first. One that has ended keeps its place for a while, so that its turning grey is seen. */
function sharedFirst(sessions: readonly SessionView[]): SessionView[] {
  const isFirst = ({ holders, ended_at }: SessionView) =>
    holders.length > 1 && (ended_at === null || now.value - ended_at < STAYS_MS)
  return sessions.toSorted((a, b) => Number(isFirst(b)) - Number(isFirst(a)))
}

const STAYS_MS = 120_000

function Filters({ all }: { all: readonly SessionView[] }) {
  return (
    <fieldset class="segments">
      <legend class="sr-only">Which sessions</legend>
      {Object.entries(FILTERS).map(([name, { label, takes }]) => (
        <label key={name}>
          <input
            type="radio"
            name="sessions"
            value={name}
            checked={chosen.value === name}
            onChange={() => {
              chosen.value = name as Filter
            }}
          />
          {label} <span class="muted">{all.filter(takes).length}</span>
        </label>
      ))}
    </fieldset>
  )
}

function NoSessions() {
  const web = live.info.value?.urls.web
  return (
    <EmptyState title="Nobody is signed in: sign in to the service, and your session appears here.">
      <p class="first-actions">
        {web && (
          <a class="button" href={`${web}/login`} target="_blank" rel="noreferrer">
            Open the service
          </a>
        )}
        <RunButton asked={STEAL} quiet>
          Steal an invented person’s session
        </RunButton>
      </p>
    </EmptyState>
  )
}
