import { durationOf } from '../../format.ts'

/** A RUM event, with what this page reads of it. */
export interface Report {
  readonly type: string
  /** Epoch ms, of the browser. */
  readonly date: number
  readonly session: { readonly id: string }
  readonly view: { readonly id: string; readonly url?: string; readonly time_spent?: number }
  readonly action?: { readonly type?: string; readonly target?: { readonly name?: string } }
  readonly context?: { readonly outcome?: string }
  readonly resource?: { readonly url?: string; readonly duration?: number; readonly status_code?: number }
  readonly error?: { readonly message?: string }
  readonly long_task?: { readonly duration?: number }
  readonly usr?: { readonly id?: string }
}

export interface BrowserSession {
  readonly id: string
  readonly firstAt: number
  readonly lastAt: number
  readonly pages: number
  readonly reports: number
  /** The outcome of its last sign-in, as its page reported it. */
  readonly outcome: string | undefined
}

/** The sessions of browsers, the newest first. @param reports in any order */
export function sessionsOf(reports: readonly Report[]): BrowserSession[] {
  const bySession = new Map<string, Report[]>()
  for (const report of reports) {
    const { id } = report.session
    const known = bySession.get(id)
    if (known) known.push(report)
    else bySession.set(id, [report])
  }
  const sessions = [...bySession].map(([id, own]) => sessionOf(id, own))
  return sessions.sort((a, b) => b.lastAt - a.lastAt)
}

function sessionOf(id: string, reports: readonly Report[]): BrowserSession {
  const dates = reports.map(({ date }) => date)
  const signIns = reports.filter(({ action }) => action?.target?.name === 'login.result')
  const last = signIns.toSorted((a, b) => a.date - b.date).at(-1)
  return {
    id,
    firstAt: Math.min(...dates),
    lastAt: Math.max(...dates),
    pages: new Set(reports.map(({ view }) => view.id)).size,
    reports: reports.length,
    outcome: last?.context?.outcome,
  }
}

const NS_PER_MS = 1e6

/** What a browser reported, in a few words. */
export function wordsOf({ type, view, action, context, resource, error, long_task }: Report): string {
  switch (type) {
    case 'view':
    case 'view_update':
      return `page ${pathOf(view.url)}${view.time_spent === undefined ? '' : `, open for ${durationOf(view.time_spent / NS_PER_MS)}`}`
    case 'action':
      return action?.type === 'custom'
        ? [action.target?.name, context?.outcome].filter(Boolean).join(': ')
        : `${action?.type ?? 'action'} on ${pathOf(view.url)}`
    case 'resource':
      return `loaded ${pathOf(resource?.url)}`
    case 'error':
      return `error: ${error?.message ?? 'without a message'}`
    case 'long_task':
      return `busy for ${durationOf((long_task?.duration ?? 0) / NS_PER_MS)}`
    default:
      return type
  }
}

const pathOf = (url = ''): string => (URL.canParse(url) ? new URL(url).pathname : url)

/** A view is reported again and again while it is open: its last report holds all of it. @param newestFirst */
export function withoutUpdates(newestFirst: readonly Report[]): Report[] {
  const seen = new Set<string>()
  return newestFirst.filter(({ type, view }) => {
    if (type !== 'view' && type !== 'view_update') return true
    if (seen.has(view.id)) return false
    seen.add(view.id)
    return true
  })
}
