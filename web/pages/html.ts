/** Markup that is safe to send. Only {@link html} makes it. */
export class Html {
  readonly #markup: string

  constructor(markup: string) {
    this.#markup = markup
  }

  toString(): string {
    return this.#markup
  }
}

/** The values of a template. Text and numbers are escaped; `undefined` and `false` add nothing. */
export type Fragment = Html | string | number | false | undefined | readonly Fragment[]

/**
 * A template that escapes its values, for text and for quoted attributes. Escaping cannot make an unquoted attribute
 * safe, so always write the quotes.
 */
export function html(strings: TemplateStringsArray, ...values: readonly Fragment[]): Html {
  return new Html(strings.reduce((markup, string, index) => markup + render(values[index - 1]) + string))
}

function render(value: Fragment): string {
  if (value === undefined || value === false) return ''
  if (value instanceof Html) return value.toString()
  if (typeof value === 'object') return value.map(render).join('')
  return escapeText(String(value))
}

/**
 * A value as the content of a `<script type="application/json">`, where entities are not decoded. Characters that
 * could end the element or open a comment become JSON escapes. @see WHATWG HTML 4.12.1.3
 */
export const json = (value: unknown): Html =>
  new Html(
    JSON.stringify(value).replace(
      /[<>&\u2028\u2029]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
  )

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const escapeText = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
