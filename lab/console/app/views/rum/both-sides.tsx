import { useSignal } from '@preact/signals'
import type { Found } from '../../../api.ts'
import { hrefOf } from '../../route.ts'
import { Raw } from '../../ui/raw.tsx'
import { summaryOf, termOf } from '../events/terms.ts'
import { Time } from '../kit/parts.tsx'
import { type Column, Rows } from '../kit/rows.tsx'
import { type BrowserSession, type Report, withoutUpdates, wordsOf } from './reports.ts'

/** One line of a side, on the common clock of this machine. */
interface SideLine {
  readonly key: string
  readonly at: number
  readonly side: 'browser' | 'server'
  readonly words: string
  readonly raw: string
}

interface BothSidesProps {
  readonly session: BrowserSession
  /** Of all sessions, newest first. */
  readonly reports: readonly Report[]
  readonly logged: Found['rows']
}

/** Both sides of one browser's session in two columns, in the order of time. */
export function BothSides({ session, reports, logged }: BothSidesProps) {
  const open = useSignal<string | undefined>(undefined)
  const hasFiles = useSignal(false)
  const own = withoutUpdates(reports.filter((report) => report.session.id === session.id))
  const files = own.filter(({ type }) => type === 'resource')
  const shown = hasFiles.value ? own : own.filter(({ type }) => type !== 'resource')
  const lines = [...shown.map(ofBrowser), ...logged.map(ofServer)].sort((a, b) => a.at - b.at)
  return (
    <section class="card rows-card" aria-labelledby="rum-title">
      <header class="rows-head">
        <h2 id="rum-title">
          Session <span class="mono">{session.id}</span>
        </h2>
        {files.length > 0 && (
          <label class="check">
            <input
              type="checkbox"
              checked={hasFiles.value}
              onChange={({ currentTarget }) => {
                hasFiles.value = currentTarget.checked
              }}
            />
            <span>Loaded files ({files.length})</span>
          </label>
        )}
        <a href={hrefOf('events', { query: termOf('@rum_session_id', session.id), range: 'all' })}>
          Its sign-ins in the log
        </a>
      </header>
      <Rows
        label="What the browser reported and the hosts logged, oldest first"
        columns={COLUMNS}
        rows={lines}
        keyOf={({ key }) => key}
        classOf={({ side }) => `row-${side}`}
        open={open.value}
        onOpen={(key) => {
          open.value = key
        }}
        detail={({ side, raw }) => (
          <div class="detail">
            <Raw label={side === 'browser' ? 'The report' : 'The whole line'} text={raw} />
          </div>
        )}
      />
    </section>
  )
}

const COLUMNS: readonly Column<SideLine>[] = [
  { title: 'Time', class: 'col-time', cell: ({ at }) => <Time at={at} /> },
  { title: 'Browser', class: 'col-side', cell: ({ side, words }) => (side === 'browser' ? words : '') },
  { title: 'Server', class: 'col-side', cell: ({ side, words }) => (side === 'server' ? words : '') },
]

const ofBrowser = (report: Report, at: number): SideLine => ({
  key: `browser ${report.date} ${report.view.id} ${report.type} ${at}`,
  at: report.date,
  side: 'browser',
  words: wordsOf(report),
  raw: JSON.stringify(report),
})

function ofServer({ at, line }: Found['rows'][number]): SideLine {
  const { what, outcome, rest } = summaryOf(line)
  const words = [what, outcome].filter((part) => part !== '').join(' ')
  return { key: `server ${line}`, at, side: 'server', words: `${words}${rest === '' ? '' : ` · ${rest}`}`, raw: line }
}
