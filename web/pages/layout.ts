import { type Fragment, type Html, html } from './html.ts'

export interface Notice {
  tone: 'info' | 'good' | 'warning'
  text: string
}

export interface Layout {
  title: string
  notice?: Notice | undefined
  /** Signed in: the header leads to the pages of the account. */
  inside?: boolean
  /** The page's width: a form, or a page of several parts. */
  wide?: boolean
}

/** A page before its frame is drawn: what stands in the frame depends on the visit, and is no handler's concern. */
export interface Page {
  layout: Layout
  main: Fragment
}

export const layout = (layout: Layout, main: Fragment): Page => ({ layout, main })

/** The frame of every page. Nothing in it is inline: the policy forbids inline script and style. */
export const framed = ({ layout: { title, notice, inside, wide }, main }: Page): Html => html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Mini ATO SaaS</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/style.css">
<script type="module" src="/assets/device.js"></script>
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header class="bar">
<a class="brand" href="/">Mini ATO SaaS</a>
<nav aria-label="Main">${inside ? insideLinks : outsideLinks}</nav>
</header>
<main id="main" class="${wide ? 'wide' : 'narrow'}">
${notice && html`<p class="notice ${notice.tone}" role="status">${notice.text}</p>`}
${main}
</main>
</body>
</html>
`

const outsideLinks = html`<a href="/login">Sign in</a><a href="/register">Create account</a>`
const insideLinks = html`<a href="/dashboard">Sessions</a><a href="/account">Account</a>
<form method="post" action="/logout"><button class="link">Log out</button></form>`

export interface Field {
  name: string
  label: string
  type: 'email' | 'password' | 'text'
  autocomplete: 'username' | 'current-password' | 'new-password' | 'one-time-code'
  value?: string | undefined
  hint?: string | undefined
  error?: string | undefined
  optional?: boolean
  focus?: boolean
}

/** A labelled input with its hint and its error beside it, tied together for those who listen to the page. */
export function input(field: Field): Html {
  const { name, label, type, autocomplete, value, hint, error } = field
  const described = [hint && `${name}-hint`, error && `${name}-error`].filter(Boolean).join(' ')
  const numeric = autocomplete === 'one-time-code'
  return html`<div class="field">
<label for="${name}">${label}</label>
<input id="${name}" name="${name}" type="${type}" autocomplete="${autocomplete}"${[
    value !== undefined && html` value="${value}"`,
    numeric && html` inputmode="numeric" maxlength="6"`,
    type === 'email' && html` autocapitalize="none" spellcheck="false"`,
    !field.optional && html` required`,
    field.focus && html` autofocus`,
    described !== '' && html` aria-describedby="${described}"`,
    error !== undefined && html` aria-invalid="true"`,
  ]}>
${hint !== undefined && html`<p class="hint" id="${name}-hint">${hint}</p>`}
${error !== undefined && html`<p class="error" id="${name}-error">${error}</p>`}
</div>`
}

const TIME = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' })

/** An instant as people read it: in UTC, because the server does not know where they are. */
export const time = (instant: string | number): Html => {
  const date = new Date(instant)
  return html`<time datetime="${date.toISOString()}">${TIME.format(date)} UTC</time>`
}
