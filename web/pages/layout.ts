import type { BuiltAssets } from '../built-assets.ts'
import type { PageRum } from '../rum.ts'
import { consentControl, rumScript } from './consent.ts'
import { type Fragment, type Html, html } from './html.ts'
import { ICONS, logo } from './icons.ts'

export interface Notice {
  tone: 'info' | 'good' | 'warning'
  text: string
  /** What the reader can do. */
  advice?: { when: string; steps: readonly string[] } | undefined
  /** What is known of it: names and values. */
  facts?: readonly (readonly [string, Fragment])[] | undefined
}

export interface Layout {
  title: string
  notice?: Notice | undefined
  /** Signed in: the header links to the pages of the account. */
  inside?: boolean
  /** The header link of this page. */
  here?: '/login' | '/register' | '/dashboard' | '/account'
  /** The width: a form, a page of several parts, or the whole window. */
  width?: 'narrow' | 'wide' | 'full'
  /** A script of this page alone. */
  script?: 'confirm'
  /** False on a page with a secret in its content or address, which the SDK must not see. */
  rum?: false
}

/** A page without its frame. The frame depends on the visit and not on the handler. */
export interface Page {
  layout: Layout
  main: Fragment
}

export const layout = (layout: Layout, main: Fragment): Page => ({ layout, main })

/** A form that is shown again with its fault. A screen reader reads the title first. @see GOV.UK, error summary */
export const faulty = ({ layout, main }: Page): Page => ({
  layout: { ...layout, title: `Error: ${layout.title}` },
  main,
})

/** The frame of every page. It has no inline script or style, because the policy forbids them. */
export function framed({ layout, main }: Page, files: BuiltAssets['files'], configured?: PageRum): Html {
  const { title, notice, inside, here, width = 'narrow' } = layout
  const rum = layout.rum ?? configured
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Mini ATO SaaS</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="${files.style}">
<script type="module" src="${files.device}"></script>
<script type="module" src="${files.pending}"></script>
${inside && html`<script type="module" src="${files.watch}"></script>`}
${layout.script && html`<script type="module" src="${files[layout.script]}"></script>`}
${rum && rumScript(rum)}
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header class="bar">
<div class="bar-row">
<a class="brand" href="/">${logo}<span>Mini ATO SaaS</span></a>
<nav aria-label="Main">${inside ? insideLinks(here) : outsideLinks(here)}</nav>
</div>
</header>
<main id="main" class="${width}" tabindex="-1">
${notice && noticePart(notice)}
${main}
</main>
<footer class="foot"><p>Mini ATO SaaS is built to be attacked, so that account takeovers are seen, alerted on and contained.</p>${rum && consentControl(rum)}</footer>
</body>
</html>
`
}

type Here = Layout['here']
const link = (href: NonNullable<Here>, text: string, here: Here): Html =>
  html`<a href="${href}"${here === href && html` aria-current="page"`}>${text}</a>`

const outsideLinks = (here: Here): Html =>
  html`${link('/login', 'Sign in', here)}${link('/register', 'Create account', here)}`
const insideLinks = (
  here: Here,
): Html => html`${link('/dashboard', 'Sessions', here)}${link('/account', 'Account', here)}
<form method="post" action="/logout"><button>Log out</button></form>`

const TONES = { info: ICONS.info, good: ICONS.check, warning: ICONS.alert } as const

const noticePart = ({ tone, text, facts, advice }: Notice): Html => html`<div class="notice ${tone}">${TONES[tone]}
<div><p role="status">${text}</p>
${facts && html`<dl class="known">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`}
${
  advice &&
  html`<p class="advice">${advice.when}</p>
<ol>${advice.steps.map((step) => html`<li>${step}</li>`)}</ol>`
}</div>
</div>`

export interface Field {
  name: string
  label: string
  type: 'email' | 'password' | 'text'
  autocomplete: 'username' | 'current-password' | 'new-password' | 'one-time-code' | 'off'
  value?: string | undefined
  hint?: string | undefined
  error?: string | undefined
  optional?: boolean
  focus?: boolean
}

/** A labelled input with its hint and error, linked for screen readers. A field with an error has the focus. */
export function input(field: Field): Html {
  const { name, label, type, autocomplete, value, hint, error } = field
  const described = [hint && `${name}-hint`, error && `${name}-error`].filter(Boolean).join(' ')
  const numeric = autocomplete === 'one-time-code'
  return html`<div class="field">
<label for="${name}">${label}</label>
<input id="${name}" name="${name}" type="${type}" autocomplete="${autocomplete}"${[
    value !== undefined && html` value="${value}"`,
    // An app shows its code as two groups, which are pasted with a space.
    numeric && html` inputmode="numeric" maxlength="8"`,
    type === 'email' && html` autocapitalize="none" spellcheck="false"`,
    !field.optional && html` required`,
    (field.focus || error !== undefined) && html` autofocus`,
    described !== '' && html` aria-describedby="${described}"`,
    error !== undefined && html` aria-invalid="true"`,
  ]}>
${hint !== undefined && html`<p class="hint" id="${name}-hint">${hint}</p>`}
${error !== undefined && html`<p class="error" id="${name}-error">${error}</p>`}
</div>`
}

const TIME = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' })

const CLOCK = new Intl.DateTimeFormat('en-GB', { timeStyle: 'short', timeZone: 'UTC' })

/** An instant after another one: of the same day, its time alone. */
export const laterTime = (instant: string, before: string): Html => {
  const isSameDay = instant.slice(0, 10) === before.slice(0, 10)
  return isSameDay ? html`<time datetime="${instant}">${CLOCK.format(new Date(instant))} UTC</time>` : time(instant)
}

/** An instant for people, in UTC because the server does not know their time zone. */
export const time = (instant: string | number): Html => {
  const date = new Date(instant)
  return html`<time datetime="${date.toISOString()}">${TIME.format(date)} UTC</time>`
}
