/** About so many units are as wide as one character of the font in which the charts are written. */
export const CHARACTER = 7
/** Characters of a bold title that fit a chart. */
const MOST_TITLE = 84
/** Characters of a number that fit beside the axis. */
const MOST_NUMBER = 7

/** Text in SVG: anyone may have written it. */
export const escaped = (text: string): string =>
  text
    .replace(/\p{C}/gu, '\ufffd')
    .replace(/[&<>"]/g, (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[char] ?? char)

/** A title, cut where a chart ends. */
export function titleText(text: string): string {
  const characters = [...text]
  return escaped(characters.length <= MOST_TITLE ? text : `${characters.slice(0, MOST_TITLE - 1).join('')}…`)
}

/** A number beside an axis: `0.05`, `1200`, `3B` for three thousand millions. */
export function axisNumber(value: number): string {
  const text = String(Number(value.toPrecision(4)))
  if (text.length <= MOST_NUMBER) return text
  const isSmall = Math.abs(value) < 1
  return value.toLocaleString('en', { notation: isSmall ? 'scientific' : 'compact', maximumSignificantDigits: 3 })
}
