import { type Html, html } from './html.ts'

/** Decorative: each icon is beside a text with the same meaning. */
const icon = (paths: Html): Html =>
  html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">${paths}</svg>`

export const ICONS = {
  computer: icon(html`<rect x="4" y="5" width="16" height="11" rx="2"/><path d="M2 20h20"/>`),
  phone: icon(html`<rect x="7" y="2.5" width="10" height="19" rx="2.5"/><path d="M11 18.5h2"/>`),
  script: icon(html`<rect x="3" y="4" width="18" height="16" rx="2"/><path d="M7 9l3 3-3 3M13 15h4"/>`),
  shield: icon(
    html`<path d="M12 3l7 2.8v5.4c0 4.6-3 8-7 9.8-4-1.8-7-5.2-7-9.8V5.8z"/><path d="M9 12l2.2 2.2L15.2 10"/>`,
  ),
  alert: icon(html`<path d="M12 4l9 16H3z"/><path d="M12 10v4.5M12 17.3v.1"/>`),
  info: icon(html`<circle cx="12" cy="12" r="9"/><path d="M12 11v5.5M12 7.6v.1"/>`),
  check: icon(html`<circle cx="12" cy="12" r="9"/><path d="M8 12.3l2.7 2.7L16 9.5"/>`),
  key: icon(html`<circle cx="8" cy="15" r="4.5"/><path d="M11.3 11.7L20 3M16.5 6.5l3 3M14 9l2 2"/>`),
  stop: icon(html`<circle cx="12" cy="12" r="9"/><path d="M5.8 5.8l12.4 12.4"/>`),
} as const satisfies Record<string, Html>

/** @param device a result of {@link describeDevice} */
export const deviceIcon = (device: string): Html => {
  if (/\b(?:iOS|Android)$/.test(device)) return ICONS.phone
  return / on /.test(device) ? ICONS.computer : ICONS.script
}

/** 32 units square. */
export const logoShapes = html`<rect width="32" height="32" rx="8" fill="#2f5bea"/><path d="M16 6l8 3v6c0 5.2-3.4 9-8 11-4.6-2-8-5.8-8-11V9z" fill="#fff"/>
<path d="M12.5 16l2.5 2.5 4.5-5" fill="none" stroke="#2f5bea" stroke-width="2.2" stroke-linecap="round"/>`

export const logo = html`<svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">${logoShapes}</svg>`
