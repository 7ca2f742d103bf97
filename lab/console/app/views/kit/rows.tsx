import { type ComponentChildren, Fragment, type JSX } from 'preact'

export interface Column<T> {
  readonly title: string
  readonly cell: (row: T) => ComponentChildren
  /** Of its cells, for width and alignment. */
  readonly class?: string
  readonly mono?: boolean
}

interface RowsProps<T> {
  /** What the table holds, for a screen reader. */
  readonly label: string
  /** The first one holds the button that opens the row. */
  readonly columns: readonly Column<T>[]
  readonly rows: readonly T[]
  readonly keyOf: (row: T) => string
  readonly classOf?: (row: T) => string
  readonly open: string | undefined
  readonly onOpen: (key: string | undefined) => void
  readonly detail: (row: T) => ComponentChildren
}

/**
 * A table whose rows open to what does not fit into a line, one at a time. Arrow keys move from row to row, Enter opens, Escape
 * closes.
 */
export function Rows<T>({ label, columns, rows, keyOf, classOf, open, onOpen, detail }: RowsProps<T>) {
  const [first, ...others] = columns
  if (!first) return null
  return (
    <table class="rows">
      <caption class="sr-only">{label}</caption>
      <thead>
        <tr>
          {columns.map(({ title, class: name }) => (
            <th key={title} scope="col" class={name}>
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => {
          const key = keyOf(row)
          const isOpen = key === open
          const toggle = () => onOpen(isOpen ? undefined : key)
          return (
            <Fragment key={key}>
              <tr class={`row ${isOpen ? 'row-open' : ''} ${classOf?.(row) ?? ''}`} onClick={unlessSelecting(toggle)}>
                <td class={`cell ${first.class ?? ''}`}>
                  <button
                    type="button"
                    class="row-button"
                    aria-expanded={isOpen}
                    onClick={stopped(toggle)}
                    onKeyDown={move}
                  >
                    {first.cell(row)}
                  </button>
                </td>
                {others.map(({ title, cell, class: name, mono }) => (
                  <td key={title} class={`cell ${name ?? ''} ${mono ? 'mono' : ''}`} data-title={title}>
                    {cell(row)}
                  </td>
                ))}
              </tr>
              {isOpen && (
                <tr class="row-detail">
                  <td
                    class="detail-cell"
                    colSpan={columns.length}
                    onKeyDown={(event) => event.key === 'Escape' && close(event, toggle)}
                  >
                    {detail(row)}
                  </td>
                </tr>
              )}
            </Fragment>
          )
        })}
      </tbody>
    </table>
  )
}

/** Without this the row would toggle a second time. */
const stopped =
  (act: () => void): JSX.MouseEventHandler<HTMLElement> =>
  (event) => {
    event.stopPropagation()
    act()
  }

/** A drag over a cell selects its text. */
const unlessSelecting = (act: () => void) => () => {
  if (getSelection()?.isCollapsed !== false) act()
}

const STEPS: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 }

function move(event: JSX.TargetedKeyboardEvent<HTMLButtonElement>): void {
  const step = STEPS[event.key]
  if (step === undefined) return
  const buttons = [...(event.currentTarget.closest('table')?.querySelectorAll<HTMLElement>('.row-button') ?? [])]
  const next = buttons[buttons.indexOf(event.currentTarget) + step]
  if (!next) return
  event.preventDefault()
  next.focus()
}

/** The focus returns to the button of the row, which stays. */
function close(event: JSX.TargetedKeyboardEvent<HTMLElement>, toggle: () => void): void {
  const button = event.currentTarget.closest('tr')?.previousElementSibling?.querySelector<HTMLElement>('.row-button')
  toggle()
  button?.focus()
}
