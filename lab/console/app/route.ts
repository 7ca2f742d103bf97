import { signal } from '@preact/signals'

export const VIEWS = [
  'loop',
  'monitors',
  'sessions',
  'events',
  'attacks',
  'containments',
  'deliveries',
  'mail',
  'rum',
] as const
export type ViewName = (typeof VIEWS)[number]
export type Query = Readonly<Record<string, string>>

export interface Route {
  readonly name: ViewName
  readonly query: Query
}

/** The view that is shown: the part of the address after `#`, such as `#/events?query=@evt:login`. */
export const route = signal<Route>(parse(location.hash))
addEventListener('hashchange', () => {
  route.value = parse(location.hash)
})

function parse(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split(/\?(.*)/s)
  const name = VIEWS.find((view) => view === path) ?? 'loop'
  return { name, query: Object.fromEntries(new URLSearchParams(query)) }
}

/** The address of a view, for a link. An empty value is left out. */
export function hrefOf(name: ViewName, query: Query = {}): string {
  const kept = Object.entries(query).filter(([, value]) => value !== '')
  const text = new URLSearchParams(kept).toString()
  return `#/${name}${text && `?${text}`}`
}

export function go(name: ViewName, query: Query = {}): void {
  location.hash = hrefOf(name, query)
}

/** Changes the query of the present view without an entry in the history. */
export function replaceQuery(query: Query): void {
  const { name } = route.value
  history.replaceState(null, '', hrefOf(name, query))
  route.value = { name, query }
}
