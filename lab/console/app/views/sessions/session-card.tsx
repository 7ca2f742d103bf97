import type { SessionView } from '../../../api.ts'
import { now } from '../../clock.ts'
import { agoOf, shortOf, timeOf } from '../../format.ts'
import { live } from '../../live.ts'
import { canBeRobbed } from '../../mine.ts'
import { hrefOf } from '../../route.ts'
import { STEAL } from '../../run-attack.ts'
import { Badge } from '../../ui/badge.tsx'
import { termOf } from '../events/terms.ts'
import { RunButton } from '../loop/run.tsx'
import { Holder } from './holder.tsx'

/** One session: alive or ended, and who holds it. */
export function SessionCard({ session }: { session: SessionView }) {
  const { sid, user, started_at, ended_at, holders } = session
  const dead = ended_at !== null
  const shared = holders.length > 1
  const title = `session-${sid}`
  return (
    <article class={`session card ${dead ? 'dead' : ''} ${shared ? 'shared' : ''}`} aria-labelledby={title}>
      <header class="session-head">
        <div>
          <h2 id={title}>{user ?? 'Unknown person'}</h2>
          <p class="muted">
            <a class="mono" href={hrefOf('events', { query: termOf('@sid', sid) })} title={sid}>
              {shortOf(sid, 16)}
            </a>{' '}
            started {agoOf(started_at, now.value)}
          </p>
        </div>
        <div class="session-state">
          <End session={session} />
          {shared && !dead && <Badge tone="warning">{holders.length} holders</Badge>}
          <TraceLink sid={sid} />
          {canBeRobbed(session) && (
            <RunButton asked={{ ...STEAL, mine: { sid } }} quiet small>
              Rob this one
            </RunButton>
          )}
        </div>
      </header>
      <ol class="holders">
        {holders.map((holder, index) => (
          <Holder key={`${holder.device} ${holder.ip}`} holder={holder} index={index} alone={!shared} />
        ))}
      </ol>
    </article>
  )
}

const ENDED_BY: Readonly<Record<string, string>> = {
  contain: 'the containment',
  fork: 'the fork that the service saw',
  logout: 'its holder',
  expired: 'its age',
  password_changed: 'a new password',
  factor_changed: 'a change of its second factor',
  ended_elsewhere: 'its owner, from another session',
  too_many_sessions: 'a newer session of its owner',
}

function End({ session: { ended_at, ended_by } }: { session: SessionView }) {
  if (ended_at === null) return <Badge tone="good">Alive</Badge>
  return (
    <span class="ended" title={timeOf(ended_at)}>
      <strong>Ended</strong> by {ENDED_BY[ended_by ?? ''] ?? ended_by ?? 'an unknown cause'},{' '}
      {agoOf(ended_at, now.value)}
    </span>
  )
}

/** A link to the alert cycle whose group is this session. */
function TraceLink({ sid }: { sid: string }) {
  const trace = live.traces.value.find(({ group }) => Object.values(group).includes(sid))
  return trace ? <a href={hrefOf('loop', { trace: trace.id })}>See its loop</a> : null
}
