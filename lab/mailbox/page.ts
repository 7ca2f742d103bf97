import { createHash } from 'node:crypto'
import type { KeptMail } from './mailbox.ts'

const STYLE = `
:root { color-scheme: light dark; --page: #f6f7fb; --surface: #fff; --text: #151a26; --muted: #525c70; --line: #dde1eb; --accent: #2148c7 }
@media (prefers-color-scheme: dark) { :root { --page: #0e1118; --surface: #171b25; --text: #eceff6; --muted: #a5afc2; --line: #2c3343; --accent: #8ea9ff } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 2rem clamp(1rem, 4vw, 2.5rem); max-width: 52rem; background: var(--page); color: var(--text); font: 1rem/1.55 system-ui, sans-serif }
h1 { font-size: 1.5rem; margin: 0 0 .25rem }
h2 { font-size: 1.2rem; margin: 0; overflow-wrap: anywhere }
a { color: var(--accent); overflow-wrap: anywhere }
a:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
.lead, .meta { color: var(--muted); margin: 0 0 1.5rem }
article, ul { background: var(--surface); border: 1px solid var(--line); border-radius: 12px }
article { padding: 1.25rem 1.5rem; margin-bottom: 2rem }
.meta { margin: .25rem 0 1rem; overflow-wrap: anywhere }
pre { margin: 0; font: inherit; white-space: pre-wrap; overflow-wrap: anywhere }
ul { list-style: none; margin: .5rem 0 0; padding: 0 }
li { padding: .75rem 1.5rem; border-top: 1px solid var(--line) }
li:first-child { border-top: 0 }
li a { font-weight: 600 }
li[aria-current] { box-shadow: inset 3px 0 var(--accent) }
li span { display: block; color: var(--muted); font-size: .9rem; overflow-wrap: anywhere }
`

/** A mail holds a secret link, so the page opened by it must not get a Referer. */
export const PAGE_HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
} as const

/** A web address up to the first blank, without the final punctuation of a sentence. */
const LINK = /https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)]/g

export const linksIn = (text: string): string[] => text.match(LINK) ?? []

/**
 * The content of a mail is shown as text.
 * @param mails newest first
 * @param opened shown in full, above the list
 */
export function mailboxPage(mails: readonly KeptMail[], opened: KeptMail | undefined, to: string | undefined): string {
  const whose = to === undefined ? 'All mail that the lab would have sent' : `Mail to ${escaped(to)}`
  const all = to === undefined ? '' : ' <a href="/mail">All mail</a>'
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${opened ? '' : '<meta http-equiv="refresh" content="3">\n'}<title>${escaped(opened?.subject ?? 'No mail')} · Lab mailbox</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Lab mailbox</h1>
<p class="lead">${whose}. Nothing leaves this machine.${all}</p>
${opened ? article(opened) : '<p role="status">There is no mail yet. This page reloads every three seconds.</p>'}
${mails.length > 1 ? list(mails, opened, to) : ''}
</main>
</body>
</html>
`
}

const article = ({ subject, from, to, at, text }: KeptMail): string => `<article>
<h2>${escaped(subject)}</h2>
<p class="meta">From ${escaped(from)} to ${escaped(to.join(', '))}<br>${time(at)}</p>
<pre>${withLinks(text.trim())}</pre>
</article>`

const list = (mails: readonly KeptMail[], opened: KeptMail | undefined, to: string | undefined): string => `<section>
<h2>${mails.length} mails, newest first</h2>
<ul>
${mails.map((mail) => item(mail, mail === opened, to)).join('\n')}
</ul>
</section>`

function item(mail: KeptMail, isOpen: boolean, to: string | undefined): string {
  const query = new URLSearchParams({ ...(to !== undefined && { to }), id: String(mail.id) })
  return `<li${isOpen ? ' aria-current="true"' : ''}><a href="/mail?${escaped(String(query))}">${escaped(mail.subject)}</a>
<span>${escaped(mail.to.join(', '))} · ${time(mail.at)}</span></li>`
}

const time = (at: string): string =>
  `<time datetime="${escaped(at)}">${escaped(at.slice(0, 19).replace('T', ' '))} UTC</time>`

function withLinks(text: string): string {
  let html = ''
  let end = 0
  for (const { 0: link, index } of text.matchAll(LINK)) {
    html += `${escaped(text.slice(end, index))}<a href="${escaped(link)}" rel="noreferrer">${escaped(link)}</a>`
    end = index + link.length
  }
  return html + escaped(text.slice(end))
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
