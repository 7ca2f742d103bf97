import type { Found } from '../../../api.ts'
import { announce } from '../../announce.tsx'
import { Badge } from '../../ui/badge.tsx'
import { Raw } from '../../ui/raw.tsx'
import { Time } from '../kit/parts.tsx'
import { type Column, Rows } from '../kit/rows.tsx'
import { ask, asked, isFocused, isPointedAt, open } from './state.ts'
import { attributesOf, narrowed, type Summary, summaryOf, toneOf } from './terms.ts'

type Row = Found['rows'][number] & { readonly key: string; readonly summary: Summary }

const TIME: Column<Row> = { title: 'Time', class: 'col-time', cell: ({ at }) => <Time at={at} /> }
const SUMMARY: readonly Column<Row>[] = [
  { title: 'Event', class: 'col-event', mono: true, cell: ({ summary }) => summary.what },
  { title: 'Outcome', class: 'col-outcome', cell: ({ summary }) => <Outcome outcome={summary.outcome} /> },
  { title: 'About', class: 'col-about', mono: true, cell: ({ summary }) => summary.rest },
]

const Outcome = ({ outcome }: Pick<Summary, 'outcome'>) =>
  outcome === '' ? null : <Badge tone={toneOf(outcome)}>{outcome}</Badge>

/** The matching events, newest first. */
export function EventRows({ found }: { found: Found }) {
  return (
    <div
      class="card rows-card"
      onPointerEnter={() => {
        isPointedAt.value = true
      }}
      onPointerLeave={() => {
        isPointedAt.value = false
      }}
      onFocusIn={({ target }) => {
        isFocused.value = target instanceof Element && target.matches(':focus-visible')
      }}
      onFocusOut={() => {
        isFocused.value = false
      }}
    >
      <Rows
        label="Events, newest first"
        columns={[TIME, ...(asked.value.columns === '' ? SUMMARY : chosen(found.columns))]}
        rows={placed(found.rows)}
        keyOf={({ key }) => key}
        open={open.value}
        onOpen={(key) => {
          open.value = key
        }}
        detail={(row) => <Detail line={row.line} />}
      />
    </div>
  )
}

/** The columns that were asked for, without the time, which is always shown. */
const chosen = (names: readonly string[]): Column<Row>[] =>
  names.flatMap((name, at) =>
    name === 'time'
      ? []
      : [{ title: name, class: 'col-chosen', mono: true, cell: ({ cells }: Row) => cells[at] ?? '' }],
  )

/**
 * Keys rows by place: a new answer changes their text and keeps their elements, which costs least in a flood. No new answer arrives
 * while a row is open or focused.
 */
const placed = (rows: Found['rows']): Row[] =>
  rows.map((row, place) => ({ ...row, key: String(place), summary: summaryOf(row.line) }))

function Detail({ line }: { line: string }) {
  const attributes = attributesOf(line)
  return (
    <div class="detail">
      {attributes.length > 0 && (
        <dl class="attributes">
          {attributes.map(({ key, value, term }) => (
            <div key={key}>
              <dt class="mono">{key}</dt>
              <dd class="mono">{value}</dd>
              {term !== undefined && <Actions facet={key} term={term} />}
            </div>
          ))}
        </dl>
      )}
      <Raw label="The whole line" text={line} />
    </div>
  )
}

/** Searches that an attribute suggests. */
function Actions({ facet, term }: { facet: string; term: string }) {
  const narrow = (exclude: boolean) => {
    ask({ query: narrowed(asked.value.query, term, exclude), by: '' })
    announce(`Search ${exclude ? 'without' : 'for'} ${term}`)
  }
  return (
    <dd class="attribute-actions">
      <Action text="only" title={`Only ${term}`} act={() => narrow(false)} />
      <Action text="without" title={`Without ${term}`} act={() => narrow(true)} />
      <Action text="count" title={`Count by ${facet}`} act={() => ask({ by: facet })} />
    </dd>
  )
}

const Action = ({ text, title, act }: { text: string; title: string; act: () => void }) => (
  <button type="button" class="link" aria-label={title} title={title} onClick={act}>
    {text}
  </button>
)
