/** The time ranges to choose from. */
export const RANGES = [
  { value: '5m', text: 'Last 5 minutes' },
  { value: '15m', text: 'Last 15 minutes' },
  { value: '1h', text: 'Last hour' },
  { value: '4h', text: 'Last 4 hours' },
  { value: 'all', text: 'All that are kept' },
  { value: 'custom', text: 'From … to …' },
] as const

const MINUTE = 60_000
const LENGTHS: Readonly<Record<string, number>> = {
  '5m': 5 * MINUTE,
  '15m': 15 * MINUTE,
  '1h': 60 * MINUTE,
  '4h': 240 * MINUTE,
}

/** What a person asks of the events; the address of the page holds it. */
export interface Asked {
  readonly query: string
  readonly range: string
  /** With the range `custom`, as a field for date and time holds it: local, without a zone. */
  readonly from: string
  readonly to: string
  readonly columns: string
  readonly by: string
}

export const NOTHING_ASKED: Asked = { query: '', range: '15m', from: '', to: '', columns: '', by: '' }

/** Whether new events can change the answer. */
export const isOpenEnded = ({ range, to }: Asked): boolean => range !== 'custom' || to === ''

/** The parameters of `GET /lab/search`. @param now epoch ms */
export function searchOf({ query, range, from, to, columns, by }: Asked, limit: number, now: number): URLSearchParams {
  const length = LENGTHS[range]
  const [first, end] = range === 'custom' ? [instantOf(from), instantOf(to)] : [length && now - length, undefined]
  const given = { query, columns, by, from: first, to: end, limit }
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined && value !== '') search.set(name, String(value))
  }
  return search
}

function instantOf(local: string): number | undefined {
  const at = new Date(local).getTime()
  return Number.isNaN(at) ? undefined : at
}

/** What was asked, from the query of the page's address, where each default is left out. */
export function askedIn(query: Readonly<Record<string, string>>): Asked {
  const value = (name: keyof Asked) => query[name] ?? NOTHING_ASKED[name]
  const range = RANGES.find((each) => each.value === value('range'))?.value ?? NOTHING_ASKED.range
  return {
    query: value('query'),
    range,
    from: value('from'),
    to: value('to'),
    columns: value('columns'),
    by: value('by'),
  }
}

export function queryOf(asked: Asked): Record<string, string> {
  const isCustom = asked.range === 'custom'
  const named = Object.entries(asked).filter(([name, value]) => {
    const isTime = name === 'from' || name === 'to'
    return value !== NOTHING_ASKED[name as keyof Asked] && (isCustom || !isTime)
  })
  return Object.fromEntries(named)
}
