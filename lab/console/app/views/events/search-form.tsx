import { useSignal, useSignalEffect } from '@preact/signals'
import { hrefOf, replaceQuery } from '../../route.ts'
import { Field, onSubmit } from '../kit/parts.tsx'
import { type Asked, queryOf, RANGES } from './ranges.ts'
import { ask, asked, noteTyping } from './state.ts'

/** Searches that answer a first question, in Datadog's words. */
const EXAMPLES = [
  { text: 'Failed sign-ins by network', ask: { query: '@evt:login @outcome:fail', by: '@network' } },
  { text: 'Devices of each session', ask: { query: '@evt:session @outcome:(new OR seen)', by: '@sid,@device_hash' } },
  { text: 'Containments', ask: { query: '@evt:contain', columns: 'time,@outcome,@action,@sid,@ip' } },
  { text: 'Refused requests', ask: { query: '@outcome:(refused OR revoked OR fork)' } },
] satisfies readonly { text: string; ask: Partial<Asked> }[]

/** An example keeps the time that was chosen. */
const NO_SEARCH: Partial<Asked> = { query: '', columns: '', by: '' }

const FACETS = [
  '@evt',
  '@outcome',
  '@reason',
  '@ip',
  '@network',
  '@sid',
  '@device_hash',
  '@usr.id',
  '@email',
  'service',
]

export function SearchForm() {
  const typed = useSignal(asked.peek())
  useSignalEffect(() => {
    typed.value = asked.value
  })
  const set = (change: Partial<Asked>) => {
    noteTyping()
    typed.value = { ...typed.peek(), ...change }
  }
  const choose = (range: string) => {
    set({ range })
    // The history gets no entry until the times are chosen.
    if (range === 'custom') replaceQuery(queryOf({ ...asked.value, range }))
    else ask({ range })
  }
  const { query, range, columns, by } = typed.value
  return (
    <form class="card search" onSubmit={onSubmit(() => ask(typed.peek()))} aria-label="Search events">
      <div class="search-row">
        <Field label="Search" class="search-query">
          <input
            {...TYPED}
            type="search"
            name="query"
            value={query}
            placeholder="@evt:login @outcome:fail -@reason:blocked"
            onInput={({ currentTarget }) => set({ query: currentTarget.value })}
          />
        </Field>
        <Field label="Time" class="search-range">
          <select name="range" value={range} onChange={({ currentTarget }) => choose(currentTarget.value)}>
            {RANGES.map(({ value, text }) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        </Field>
        <button type="submit" class="button">
          Search
        </button>
      </div>
      <div class="search-row">
        {range === 'custom' && <Times typed={typed.value} set={set} />}
        <Field label="Columns">
          <input
            {...TYPED}
            name="columns"
            value={columns}
            placeholder="time,@usr.id,@ip"
            onInput={({ currentTarget }) => set({ columns: currentTarget.value })}
          />
        </Field>
        <Field label="Count by">
          <input
            {...TYPED}
            name="by"
            list="facets"
            value={by}
            placeholder="@ip"
            onInput={({ currentTarget }) => set({ by: currentTarget.value })}
          />
        </Field>
        <datalist id="facets">
          {FACETS.map((facet) => (
            <option key={facet} value={facet} />
          ))}
        </datalist>
      </div>
      <Examples />
    </form>
  )
}

/** Of an input for the language of searches. */
const TYPED = { class: 'mono', spellcheck: false, autocomplete: 'off' } as const

function Times({ typed, set }: { typed: Asked; set: (change: Partial<Asked>) => void }) {
  return (
    <>
      <Field label="From">
        <input
          type="datetime-local"
          step={1}
          value={typed.from}
          onInput={({ currentTarget }) => set({ from: currentTarget.value })}
        />
      </Field>
      <Field label="To">
        <input
          type="datetime-local"
          step={1}
          value={typed.to}
          onInput={({ currentTarget }) => set({ to: currentTarget.value })}
        />
      </Field>
    </>
  )
}

function Examples() {
  return (
    <nav class="chips" aria-label="Examples of searches">
      {EXAMPLES.map((example) => (
        <a
          key={example.text}
          class="example"
          href={hrefOf('events', queryOf({ ...asked.value, ...NO_SEARCH, ...example.ask }))}
        >
          {example.text}
        </a>
      ))}
    </nav>
  )
}
