import { printable } from '../output.ts'

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Markup. Only the files of this folder make it from text: everybody else uses {@link html}, which escapes. */
export class Html {
  readonly #markup: string

  constructor(markup: string) {
    this.#markup = markup
  }

  toString(): string {
    return this.#markup
  }
}

/** What may stand in markup: text and numbers are escaped; nothing is shown of null, undefined and false. */
export type Part = Html | string | number | null | undefined | false | readonly Part[]

/**
 * Markup with values in it. Every text is escaped, in elements and in quoted attributes: anyone may have written the text of a log
 * or of a monitor. Control characters and characters that turn the direction of writing are shown by their number.
 */
export function html(markup: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(String.raw({ raw: markup }, ...parts.map(markupOf)))
}

function markupOf(part: Part): string {
  if (part === null || part === undefined || part === false) return ''
  if (part instanceof Html) return part.toString()
  if (typeof part === 'object') return part.map(markupOf).join('')
  return printable(String(part)).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
}

/** A chart in a page. On a narrow screen it scrolls by itself, also by keyboard. @param svg of our own making @param label its name */
export const chart = (svg: string, label: string): Html =>
  html`<div class="wide chart" tabindex="0" role="group" aria-label="${label}">${new Html(svg)}</div>\n`

/** A table. On a narrow screen it scrolls by itself, also by keyboard. @param label its name */
export const table = (label: string, head: readonly string[], rows: readonly (readonly Part[])[]): Html => html`
<div class="wide" tabindex="0" role="group" aria-label="${label}"><table>
<thead><tr>${head.map((cell) => html`<th scope="col">${cell}</th>`)}</tr></thead>
<tbody>
${rows.map((cells) => html`<tr>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>\n`)}</tbody>
</table></div>
`
