import { runCaptured } from 'alertproof/cli'
import { beforeAll, describe, expect, test } from 'vitest'
import { command as attack } from '../../cli/verbs/attack.ts'
import { ProblemError, renderProblem } from '../../shared/problem.ts'
import { readAssets } from '../../web/built-assets.ts'
import { framed, type Page } from '../../web/pages/layout.ts'
import { problemPage } from '../../web/pages/problem.ts'
import { reauthPage } from '../../web/pages/reauth.ts'
import { emptyScreenshots, look } from './look.ts'
import {
  codeOf,
  givePassword,
  newPerson,
  openLink,
  type Person,
  register,
  setUpAuthenticator,
  signIn,
  wrongCodeOf,
} from './person.ts'
import { useStage } from './stage.ts'
import { FIREFOX_ON_LINUX, SAFARI_ON_IPHONE, type Visitor } from './visitor.ts'

/** Every page, in a real Chromium over a whole lab: what people see, and what neither they nor a machine may find. */

const stage = useStage()
const BUILT = new URL('../../dist/web/assets/', import.meta.url)

describe('in a browser', { timeout: 60_000 }, () => {
  beforeAll(emptyScreenshots)

  const codeField = ({ page }: Visitor) => page.getByRole('textbox', { name: /^Code/ })
  const pathOf = ({ page }: Visitor) => new URL(page.url()).pathname

  test('a person registers, sets an authenticator up, signs in with a code, and ends at the dashboard', async () => {
    const visitor = await stage.visitor({ ip: '198.51.100.60' })
    const { page, open, press } = visitor
    const person: Person = newPerson('ada')
    await open('/')
    await look(page, 'landing')
    await open('/register')
    await look(page, 'register')
    await page.getByLabel('Email').fill(person.email)
    await page.getByLabel('Password').fill('too short')
    expect((await press('Create account')).status()).toBe(422)
    expect(await describedBy(visitor, 'Password')).toContain('15 characters')
    await look(page, 'register-weak')
    await register(visitor, person, (name) => look(page, name))
    await open('/confirm#token=nonsense')
    await page.getByLabel('Password').fill('not the password, but as long')
    expect((await press('Open my account')).status()).toBe(422)
    await look(page, 'confirm-refused')
    await open('/login')
    await page.getByLabel('Email').fill(person.email)
    await page.getByLabel('Password').fill('not the password, but as long')
    expect((await press('Sign in')).status()).toBe(403)
    expect(await describedBy(visitor, 'Password')).toBe('Email or password is not right')
    expect(await page.getByLabel('Email').inputValue()).toBe(person.email)
    await look(page, 'login-refused')
    await signIn(visitor, person)
    await page.getByText('A password alone opens this account').waitFor()
    await look(page, 'dashboard-first')

    await page.getByRole('link', { name: 'Account', exact: true }).click()
    await page.getByText('Off', { exact: true }).waitFor()
    await look(page, 'account-off')
    await setUpAuthenticator(visitor, person)
    await look(page, 'authenticator')
    person.secret = (await page.locator('.secret code').first().innerText()).replaceAll(/\s/g, '')
    expect(await page.locator('.qr svg path').count()).toBe(2)
    await codeField(visitor).fill(await wrongCodeOf(person))
    expect((await press('Turn on')).status()).toBe(403)
    expect(await page.content()).not.toContain(person.secret)
    await look(page, 'authenticator-wrong-code')
    await codeField(visitor).fill(await codeOf(person))
    await press('Turn on')
    await page.getByText('On', { exact: true }).waitFor()
    await look(page, 'account-on')

    await press('Log out')
    await look(page, 'login-signed-out')
    expect(await givePassword(visitor, person)).toBe(200)
    expect(pathOf(visitor)).toBe('/mfa')
    await look(page, 'mfa')
    await codeField(visitor).fill(await wrongCodeOf(person))
    expect((await press('Continue')).status()).toBe(403)
    await look(page, 'mfa-refused')
    await codeField(visitor).fill(await codeOf(person, 1))
    await press('Continue')
    expect(pathOf(visitor)).toBe('/dashboard')
    expect(await page.getByText(person.email).count()).toBe(1)
    expect(await page.getByText('A password alone').count()).toBe(0)
  })

  test('a stolen cookie is worth seconds: the session dies for the thief, and its owner reads why', async () => {
    const person = newPerson('noor')
    const laptop = await stage.visitor({ ip: '198.51.100.61' })
    await register(laptop, person)
    await signIn(laptop, person)
    const phone = await stage.visitor({ ip: '198.51.100.62', userAgent: SAFARI_ON_IPHONE })
    await signIn(phone, person)
    await laptop.open('/dashboard')
    await laptop.page.getByText('Safari on iOS').waitFor()
    await look(laptop.page, 'dashboard')

    const thief = await stage.visitor({ ip: '203.0.113.61', userAgent: FIREFOX_ON_LINUX })
    await thief.context.addCookies(await laptop.context.cookies())
    expect((await thief.open('/dashboard')).status()).toBe(200)
    await expect.poll(async () => (await thief.open('/dashboard')).status(), { timeout: 10_000 }).toBe(401)
    expect(pathOf(thief)).toBe('/dashboard')

    // The page of the owner is still open, and says it by itself.
    await laptop.page.getByRole('alert').getByText('We ended this session to protect your account').waitFor()
    await look(laptop.page, 'contained-in-place')
    await laptop.page.getByRole('link', { name: 'What happened, and sign in again' }).click()
    await laptop.page.getByText('Firefox on Linux, 203.0.113.61').waitFor()
    await laptop.page.getByText('We ended this session to protect your account').waitFor()
    await laptop.page.getByText('Change your password on the account page').waitFor()
    await look(laptop.page, 'contained')
    expect((await phone.open('/dashboard')).status()).toBe(200)

    await signIn(laptop, person)
    await laptop.open('/account')
    await laptop.page.getByText('We ended a session that was used in a way that looked like theft').waitFor()
    await laptop.page.getByText('Also used on Firefox on Linux from 203.0.113.61').waitFor()
    await look(laptop.page, 'account-history')
    const tablet = await stage.visitor({ ip: '198.51.100.72' })
    await signIn(tablet, person)
    await laptop.open('/dashboard')
    await look(laptop.page, 'dashboard-several')
    await tablet.press('Log out')
    await phone.open('/dashboard')
    await phone.press('End the session on Chrome on Windows from 198.51.100.61')
    await phone.page.getByText('The session is ended.').waitFor()
    expect((await laptop.open('/dashboard')).status()).toBe(401)
    await laptop.page.getByText('You ended this session from another one.').waitFor()
    await look(laptop.page, 'ended-elsewhere')
  })

  test('whoever is signed in robs themselves by one command, and their open page says it', async () => {
    const person = newPerson('mia')
    const visitor = await stage.visitor({})
    await register(visitor, person)
    await signIn(visitor, person)
    await visitor.open('/dashboard')
    const { code, err } = await runCaptured(attack, [
      'run',
      'session-reuse',
      '--mine',
      '--json',
      '--dir',
      stage.lab.dir,
    ])
    expect([code, err]).toEqual([0, expect.stringContaining('has your session cookie and replays it')])
    await visitor.page.getByRole('alert').getByText('We ended this session to protect your account').waitFor()
  })

  test('the notice in an open page leads to this site, whatever the address of the page', async () => {
    const person = newPerson('lee')
    const visitor = await stage.visitor({ ip: '198.51.100.64' })
    const { page, context } = visitor
    await register(visitor, person)
    await signIn(visitor, person)
    const { origin } = new URL(page.url())
    expect((await page.goto(`${origin}//other-site.example/login`))?.status()).toBe(404)
    await context.clearCookies()
    const link = page.getByRole('link', { name: 'What happened, and sign in again' })
    const href = await link.getAttribute('href')
    expect(new URL(href ?? '', page.url()).origin).toBe(origin)
  })

  test('a password is changed beside its errors, and guessing it ends the session', async () => {
    const visitor = await stage.visitor({ ip: '198.51.100.63' })
    const { page, press, open } = visitor
    const person = newPerson('kim')
    await register(visitor, person)
    await signIn(visitor, person)
    await open('/account')
    const change = async (current: string, next: string) => {
      await page.getByLabel('Current password').fill(current)
      await page.getByLabel('New password').fill(next)
      return (await press('Change password')).status()
    }
    expect(await change(person.password, 'short')).toBe(422)
    expect(await describedBy(visitor, 'New password')).toContain('15 characters')
    expect(await change('not the current password', 'a new password, long enough')).toBe(403)
    await look(page, 'account-wrong-password')
    expect(await change(person.password, 'a new password, long enough')).toBe(200)
    await page.getByText('Your password is changed.').waitFor()
    await look(page, 'account-password-changed')
    for (let guess = 0; guess < 4; guess++) expect(await change('guess', 'a new password, long enough')).toBe(403)
    await expect.poll(async () => (await open('/account')).status(), { timeout: 20_000 }).toBe(401)
    await page.getByText('We ended this session to protect your account').waitFor()
    await look(page, 'account-guessed')
  })

  test('a form whose answer takes long says so, and is sent once', async () => {
    const visitor = await stage.visitor({ ip: '198.51.100.71' })
    const { page, open } = visitor
    await open('/login')
    const sent: string[] = []
    let answer = () => {}
    const answered = new Promise<void>((resolve) => {
      answer = resolve
    })
    await page.route('**/login', async (route) => {
      sent.push(route.request().method())
      await answered
      await route.continue()
    })
    await page.getByLabel('Email').fill('slow@example.com')
    await page.getByLabel('Password').fill('not the password, but as long')
    // A locator would wait for the navigation, which is what the page waits for. The second press is in the same page.
    const told = page.evaluate<string>(`new Promise((resolve) => {
      new MutationObserver(() => {
        const { textContent } = document.querySelector('main form [role=status]')
        if (textContent === '') return
        document.querySelector('main form button').click()
        resolve(textContent)
      }).observe(document.querySelector('main form'), { subtree: true, childList: true })
    })`)
    const refused = visitor.press('Sign in')
    expect(await told).toBe('Still working. The answer takes longer than usual.')
    answer()
    expect((await refused).status()).toBe(403)
    await page.getByText('Email or password is not right').waitFor()
    expect(sent).toEqual(['POST'])
    expect(await page.locator(':focus').getAttribute('name')).toBe('password')
    expect(await page.title()).toMatch(/^Error: /)
  })

  test('without script a person registers, signs in and signs out all the same', async () => {
    const visitor = await stage.visitor({ ip: '198.51.100.64', script: false })
    const person = newPerson('lee')
    await register(visitor, person)
    await signIn(visitor, person)
    await visitor.open('/account')
    await setUpAuthenticator(visitor, person)
    await visitor.press('Log out')
    expect(pathOf(visitor)).toBe('/login')
  })

  test('in a browser that did not register, the link needs the password of the registration', async () => {
    const person = newPerson('ida')
    const visitor = await stage.visitor({ ip: '198.51.100.67' })
    const { page, press } = visitor
    await visitor.open('/register')
    await page.getByLabel('Email').fill(person.email)
    await page.getByLabel('Password').fill(person.password)
    await press('Create account')
    // From here on as in another browser.
    await visitor.context.clearCookies({ name: 'registration' })
    await openLink(visitor)
    expect(await page.locator(':focus').getAttribute('name')).toBe('password')
    await look(page, 'confirm-password')
    await page.getByLabel('Password').fill('not the password, but as long')
    expect((await press('Open my account')).status()).toBe(422)
    expect(await describedBy(visitor, 'Password')).toContain('the password is not the one that you chose')
    await look(page, 'confirm-password-refused')
    await page.getByLabel('Password').fill(person.password)
    await press('Open my account')
    expect(pathOf(visitor)).toBe('/login')
    await signIn(visitor, person)
  })

  test('the keyboard can skip the header, and the focused element is visible', async () => {
    const visitor = await stage.visitor({ ip: '198.51.100.65' })
    const { page, open } = visitor
    const person = newPerson('sam')
    await open('/')
    await page.keyboard.press('Tab')
    const skip = page.getByRole('link', { name: 'Skip to content' })
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to content')
    expect((await skip.boundingBox())?.y).toBeGreaterThanOrEqual(0)
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    expect(await page.evaluate(`document.activeElement.closest('main') !== null`)).toBe(true)

    await register(visitor, person)
    await signIn(visitor, person)
    await open('/account')
    const stops: string[] = []
    for (let stop = 0; stop < 12; stop++) {
      await page.keyboard.press('Tab')
      const name = await page.evaluate<string>('document.activeElement.textContent.trim() || document.activeElement.id')
      const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')
      if (await page.evaluate('document.activeElement === document.body')) break
      stops.push(name)
      expect([name, outline]).toEqual([name, 'solid'])
    }
    expect(stops).toEqual([
      'Skip to content',
      'Mini ATO SaaS',
      'Sessions',
      'Account',
      'Log out',
      'current_password',
      'new_password',
      'Change password',
      'Set up',
      'Allow',
      'No, thank you',
    ])
  })

  test('each field says to a password manager what it is for', async () => {
    const visitor = await stage.visitor({ ip: '198.51.100.66' })
    const { page, open } = visitor
    const fields = () =>
      page
        .locator('main input:not([type=hidden])')
        .evaluateAll((inputs) => inputs.map((input) => input.getAttribute('autocomplete')))
    const person = newPerson('max')
    await open('/register')
    expect(await fields()).toEqual(['username', 'new-password'])
    await register(visitor, person)
    expect(await fields()).toEqual(['username', 'current-password'])
    await signIn(visitor, person)
    await open('/account')
    expect(await fields()).toEqual(['username', 'current-password', 'new-password'])
    await setUpAuthenticator(visitor, person)
    expect(await fields()).toEqual(['one-time-code'])
    expect(await codeField(visitor).getAttribute('inputmode')).toBe('numeric')
  })

  test('a page that broke its own policy would not go unnoticed here', async () => {
    const visitor = await stage.visitor({ ip: '198.51.100.70' })
    await visitor.page.route('**/broken', async (route) => {
      const real = await route.fetch({ url: `${stage.lab.urls.web}/login` })
      const body = (await real.text()).replace(
        '</main>',
        '<script>alert(1)</script><img alt="" src="/nowhere.png"></main>',
      )
      await route.fulfill({ response: real, body })
    })
    await visitor.open('/broken')
    const reported = visitor.faults.splice(0).join('\n')
    expect(reported).toMatch(/^CSP: script-src-elem inline on /m)
    expect(reported).toMatch(/^404 for .*\/nowhere\.png$/m)
  })

  describe('an error page', () => {
    test('shows the fault and the remedy, as the API does', async () => {
      const visitor = await stage.visitor({ ip: '198.51.100.67' })
      const { page, open } = visitor
      expect((await open('/nowhere')).status()).toBe(404)
      await page.getByRole('heading', { name: 'There is nothing here' }).waitFor()
      await page.getByText('not-found').waitFor()
      await look(page, 'error-404')

      await open('/login')
      await page.getByLabel('Email').fill('a@example.com')
      await page.getByLabel('Password').fill('x'.repeat(20_000))
      expect((await visitor.press('Sign in')).status()).toBe(413)
      await look(page, 'error-413')
    })

    test('is there when functions is not', async () => {
      const visitor = await stage.visitor({ ip: '198.51.100.68' })
      await stage.lab.functions.stop()
      try {
        expect(await givePassword(visitor, newPerson('eve'))).toBe(503)
        await look(visitor.page, 'error-503')
      } finally {
        await stage.lab.functions.start()
      }
    })

    // No visitor of a lab that works gets to see these within a minute: the pages are those that web would send.
    test.each([
      ['error-403', problemFor(new ProblemError('request-forged'))],
      ['error-429', problemFor(new ProblemError('throttled', { retryAfterSeconds: 600 }))],
      ['error-500', problemFor(new Error('unexpected'))],
      ['reauthenticate', reauthPage('account')],
      ['reauthenticate-refused', reauthPage('account', { error: 'This is not your password.' })],
    ])('or another rare page, is as good: %s', async (name, rare) => {
      const visitor = await stage.visitor({ ip: '198.51.100.69' })
      await visitor.page.route('**/rare', async (route) => {
        const real = await route.fetch({ url: `${stage.lab.urls.web}/login` })
        await route.fulfill({ response: real, body: framed(rare, readAssets(BUILT).files).toString() })
      })
      await visitor.open('/rare')
      await look(visitor.page, name)
    })
  })
})

function problemFor(error: Error): Page {
  const { document } = renderProblem(error, '8a0c2f3e-5d1b-4c7a-9e64-0f1d2b3c4a5e')
  const { retryAfterSeconds } = error instanceof ProblemError ? error : {}
  return problemPage(document, { inside: false, retryAfterSeconds })
}

/** What a screen reader says after the label: the hint and the error of a field that is marked invalid. */
async function describedBy({ page }: Visitor, label: string): Promise<string> {
  const field = page.getByLabel(label)
  expect(await field.getAttribute('aria-invalid')).toBe('true')
  const ids = (await field.getAttribute('aria-describedby'))?.split(' ') ?? []
  const texts = await Promise.all(ids.map((id) => page.locator(`[id="${id}"]`).innerText()))
  return texts.at(-1) ?? ''
}
