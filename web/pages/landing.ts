import type { RequestHandler } from 'express'
import { visitOf } from '../visit.ts'
import { type PageDeps, sendPage } from './deps.ts'
import { type Html, html } from './html.ts'
import { ICONS } from './icons.ts'
import { layout, type Page } from './layout.ts'

const feature = (icon: Html, title: string, text: string): Html => html`<div class="card">
<div class="tile">${icon}</div>
<h2>${title}</h2>
<p class="muted">${text}</p>
</div>
`

const moment = (
  icon: Html,
  tone: 'plain' | 'bad' | 'good',
  title: string,
  text: string,
): Html => html`<li class="moment">
<div class="tile ${tone}">${icon}</div>
<div><p class="moment-title">${title}</p><p class="hint">${text}</p></div>
</li>
`

const landingPage = (mailboxUrl: string | undefined): Page =>
  layout(
    { title: 'Sessions that end when they are stolen', width: 'full' },
    html`<div class="hero">
<div>
<h1>Sessions that end when they are stolen</h1>
<p class="lead">A sign-in service that watches how its sessions are used. When one turns up in the wrong hands it is
ended everywhere within seconds, and its owner sees the reason.</p>
<p class="actions"><a class="button" href="/register">Create account</a><a class="button quiet" href="/login">Sign in</a></p>
</div>
<section class="card" aria-labelledby="story">
<h2 id="story">The life of a stolen session</h2>
<ol class="timeline">
${moment(ICONS.computer, 'plain', 'You sign in', 'Chrome on Windows, with a password and a code')}
${moment(ICONS.alert, 'bad', 'Your cookie is used elsewhere', 'Firefox on Linux, from an address you have never had')}
${moment(ICONS.stop, 'bad', 'The session is ended', 'On every server, at its next request, for both of you')}
${moment(ICONS.shield, 'good', 'You see why, and sign in again', 'The stolen cookie no longer works')}
</ol>
</section>
</div>
<div class="cards">
${feature(ICONS.computer, 'All your sessions', 'Each with its device, start and address. End any of them with one click.')}
${feature(ICONS.key, 'A second factor', 'Any authenticator app works, and each code is accepted once.')}
${feature(ICONS.shield, 'Guessing is stopped', 'Lists of stolen passwords are noticed, and the attacker is blocked without a notice.')}
</div>
<section class="about" aria-labelledby="about">
<h2 id="about">What this is</h2>
<p class="muted">Mini ATO SaaS is a small, real login service that is built to be attacked. It exists so that anyone can prove, on one
machine, that account-takeover techniques are seen, alerted on and contained by the same detection files that are used
in production.</p>
<p class="muted">Accounts are real to it: passwords are hashed, codes are checked, sessions are signed. Still, give it no password that
you use anywhere else.</p>
</section>
${mailboxUrl !== undefined && labPart(mailboxUrl)}`,
  )

/** What to do next, for the person who has started the lab. The stand-in for Datadog shows the mail and the console. */
const labPart = (mailboxUrl: string): Html => html`<section class="about" aria-labelledby="lab">
<h2 id="lab">You are in the lab</h2>
<p class="muted">Create an account, open the link in <a href="${mailboxUrl}">the lab’s mailbox</a>, sign in, and leave the page open. Then steal its
session from <a href="${new URL('/', mailboxUrl).href}">the console</a>, or with <code>npm run attack -- run session-reuse --mine</code>, and see the page
tell you. Nothing leaves this machine.</p>
</section>`

export const showLanding =
  ({ mailboxUrl }: Pick<PageDeps, 'mailboxUrl'>): RequestHandler =>
  (_request, response) => {
    if (visitOf(response).check.kind === 'accepted') return response.redirect(303, '/dashboard')
    sendPage(response, landingPage(mailboxUrl))
  }
