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
    // Without an entry of the history for each choice on the way to the times themselves.
    if (range === 'custom') replaceQuery(queryOf({ ...asked.value, range }))
    else ask({ range })
  }
  return (
    <form class="card search" onSubmit={onSubmit(() => ask(typed.peek()))} aria-label="Search events">
      <div class="search-row">
        <Field label="Search" class="search-query">
          <input
            class="mono"
            type="search"
            name="query"
            value={typed.value.query}
            placeholder="@evt:login @outcome:fail -@reason:blocked"
            spellcheck={false}
            autocomplete="off"
            onInput={({ currentTarget }) => set({ query: currentTarget.value })}
          />
        </Field>
        <Field label="Time" class="search-range">
          <select name="range" value={typed.value.range} onChange={({ currentTarget }) => choose(currentTarget.value)}>
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
        {typed.value.range === 'custom' && (
          <>
            <Field label="From">
              <input
                type="datetime-local"
                step={1}
                value={typed.value.from}
                onInput={({ currentTarget }) => set({ from: currentTarget.value })}
              />
            </Field>
            <Field label="To">
              <input
                type="datetime-local"
                step={1}
                value={typed.value.to}
                onInput={({ currentTarget }) => set({ to: currentTarget.value })}
              />
            </Field>
          </>
        )}
        <Field label="Columns">
          <input
            class="mono"
            name="columns"
            value={typed.value.columns}
            placeholder="time,@usr.id,@ip"
            spellcheck={false}
            autocomplete="off"
            onInput={({ currentTarget }) => set({ columns: currentTarget.value })}
          />
        </Field>
        <Field label="Count by">
          <input
            class="mono"
            name="by"
            list="facets"
            value={typed.value.by}
            placeholder="@ip"
            spellcheck={false}
            autocomplete="off"
            onInput={({ currentTarget }) => set({ by: currentTarget.value })}
          />
        </Field>
        <datalist id="facets">
          {FACETS.map((facet) => (
            <option key={facet} value={facet} />
          ))}
        </datalist>
      </div>
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
    </form>
  )
}
