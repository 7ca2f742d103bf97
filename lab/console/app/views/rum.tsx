import { useEffect } from 'preact/hooks'
import { shortOf } from '../format.ts'
import { live } from '../live.ts'
import { hrefOf, route } from '../route.ts'
import { EmptyState, ViewHead } from '../ui/view-head.tsx'
import { counted } from './kit/format.ts'
import { Fault, Time } from './kit/parts.tsx'
import { BothSides } from './rum/both-sides.tsx'
import type { BrowserSession } from './rum/reports.ts'
import { fault, logged, reports, sessions, shownSession, watchRum } from './rum/state.ts'

/** What a browser reported of itself, beside what the hosts logged of the same sign-in. */
export function RumView() {
  useEffect(watchRum, [])
  const shown = shownSession()
  return (
    <div class="view">
      <ViewHead
        title="RUM"
        sub="What a visitor’s browser reports, beside what our hosts log of the same sign-in. No detection reads it: a client can report anything."
      />
      {fault.value !== undefined && <Fault>{fault.value}</Fault>}
      {reports.value?.length === 0 && (
        <EmptyState title="No browser has reported yet">
          <p>
            Reports need consent. <WebLink />, press <strong>Allow</strong> at the foot of the page, and sign in.
          </p>
        </EmptyState>
      )}
      {shown && (
        <div class="sides" data-chosen={route.value.query.session !== undefined}>
          <SessionList shown={shown} />
          <div class="sides-main">
            <a class="sides-back" href={hrefOf('rum')}>
              All sessions
            </a>
            <BothSides session={shown} reports={reports.value ?? []} logged={logged.value} />
          </div>
        </div>
      )}
    </div>
  )
}

const WebLink = () => (
  <a href={`${live.info.value?.urls.web ?? ''}/login`} target="_blank" rel="noreferrer">
    Open the web app
  </a>
)

const SessionList = ({ shown }: { shown: BrowserSession }) => (
  <nav class="card sides-list" aria-label="Sessions of browsers, newest first">
    <ul>
      {sessions.value.map(({ id, lastAt, pages, outcome }) => (
        <li key={id}>
          <a
            class="sides-item"
            href={hrefOf('rum', { session: id })}
            aria-current={id === shown.id ? 'true' : undefined}
          >
            <span class="sides-title mono">{shortOf(id, 8)}</span>
            <span class="sides-sub">
              <Time at={lastAt} short /> · {counted(pages, 'page')}
              {outcome === undefined ? '' : ` · sign-in: ${outcome}`}
            </span>
          </a>
        </li>
      ))}
    </ul>
  </nav>
)
