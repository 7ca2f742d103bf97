import type { RequestHandler } from 'express'
import { visitOf } from '../visit.ts'
import { sendPage } from './deps.ts'
import { html } from './html.ts'
import { layout } from './layout.ts'

const landingPage = layout(
  { title: 'Sign-in that notices', wide: true },
  html`<section class="hero">
<h1>Sessions that end when they are stolen</h1>
<p class="lead">Every sign-in is watched, every session can be revoked within a second, and you always see where you are
signed in.</p>
<p class="actions"><a class="button" href="/register">Create account</a><a class="button quiet" href="/login">Sign in</a></p>
</section>
<section class="cards">
<article><h2>See every session</h2><p>Which device, since when, from where. End any of them with one press.</p></article>
<article><h2>A second factor</h2><p>Any authenticator app works. Each code is accepted once.</p></article>
<article><h2>Contained by itself</h2><p>A session that turns up on a second device is ended, and you are told why.</p></article>
</section>`,
)

export const showLanding: RequestHandler = (_request, response) => {
  if (visitOf(response).check.kind === 'accepted') return response.redirect(303, '/dashboard')
  sendPage(response, landingPage)
}
