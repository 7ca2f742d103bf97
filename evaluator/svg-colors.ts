/** The colours of charts on white paper. Text in them has a contrast of at least 4.5. */
export const PAPER = '#ffffff'
export const INK = '#202124'
export const MUTED = '#5f6368'
export const FAINT = '#70757a'
export const VALUE = '#1a56b0'
export const BETWEEN = '#9aa0a6'
export const ALERT = '#b3261e'
export const WARN = '#9a5b00'
export const GOOD = '#1e7b34'
export const HELD = '#f1f3f4'

/** By the colour on white paper, the one on a dark page. */
const DARK: Readonly<Record<string, string>> = {
  [PAPER]: '#1b1e23',
  [INK]: '#e8eaed',
  [MUTED]: '#a9afb6',
  [FAINT]: '#9aa0a6',
  [VALUE]: '#8ab4f8',
  [BETWEEN]: '#80868b',
  [ALERT]: '#f28b82',
  [WARN]: '#fdc069',
  [GOOD]: '#81c995',
  [HELD]: '#30353c',
}

/** Rules of CSS that show the charts of a page in their dark colours. A rule has precedence over an attribute of SVG. */
export const darkRules = (): string =>
  Object.entries(DARK)
    .map(([light, dark]) => `svg [fill="${light}"]{fill:${dark}}svg [stroke="${light}"]{stroke:${dark}}`)
    .join('')
