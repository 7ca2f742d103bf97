import type { ComponentChildren } from 'preact'

/** The head of a view: its title, one line about it, and its actions at the right. */
export function ViewHead(props: { title: string; sub?: ComponentChildren; children?: ComponentChildren }) {
  return (
    <header class="view-head">
      <div>
        <h1>{props.title}</h1>
        {props.sub && <p class="muted">{props.sub}</p>}
      </div>
      {props.children && <div class="view-actions">{props.children}</div>}
    </header>
  )
}

/** What a view says when it has nothing to show yet: what is missing, and what to do next. */
export function EmptyState(props: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <h2>{props.title}</h2>
      {props.children}
    </div>
  )
}
