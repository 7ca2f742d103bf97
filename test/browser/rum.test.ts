import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import type { Event } from '../../shared/event.ts'
import { codeOf, confirmAddress, newPerson, type Person, register, setUpAuthenticator, signIn } from './person.ts'
import { useStage } from './stage.ts'
import { FIREFOX_ON_LINUX, type Visitor } from './visitor.ts'

/** What the SDK really sends from a real browser, and that it sends nothing before it may. */

const stage = useStage()

interface Reported {
  type: string
  date: number
  session: { id: string }
  view: { url: string; referrer?: string }
  usr?: Record<string, unknown>
  action?: { type: string; target?: { name: string } }
  context?: { outcome?: string }
}

describe('RUM in a browser', { timeout: 60_000 }, () => {
  /** What has arrived, oldest first. */
  const reported = async (query = ''): Promise<Reported[]> => {
    const answer = await fetch(`${stage.lab.urls.datadog}/lab/rum?limit=5000${query}`)
    const { events, refused_requests } = (await answer.json()) as { events: Reported[]; refused_requests: number }
    expect(refused_requests).toBe(0)
    return events.reverse()
  }
  const actionsOf = (events: Reported[], name: string) =>
    events.filter((event) => event.action?.target?.name === name).map(({ context }) => context?.outcome)
  const logged = async (): Promise<Event[]> => {
    await stage.lab.flush()
    return (await readFile(stage.lab.logs.events, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  }
  const loginsOf = async ({ email }: Person) =>
    (await logged()).flatMap((event) => (event.evt === 'login' && event.email === email ? [event] : []))

  /** Every request of this visitor that leaves web, as the browser names it; the mailbox is a page that they open. */
  const watchReports = ({ context }: Visitor): string[] => {
    const reports: string[] = []
    const visited = [stage.lab.urls.web, stage.lab.datadog.mailboxUrl]
    context.on('request', (request) => {
      if (!visited.some((place) => request.url().startsWith(place))) reports.push(request.url())
    })
    return reports
  }
  const cookiesOf = async ({ context }: Visitor) => (await context.cookies()).map(({ name }) => name).sort()
  /** As people do: key by key, with the pointer in the field. */
  const type = async ({ page }: Visitor, label: string | RegExp, text: string) => {
    await page.getByRole('textbox', { name: label }).click()
    await page.getByRole('textbox', { name: label }).pressSequentially(text)
  }

  /** The SDK starts some time after its page is there: before a person has read it, after a test is gone. */
  const started = async ({ page }: Visitor) => {
    // Not `waitForFunction`, which the policy of these pages forbids.
    const session = () => page.evaluate('window.DD_RUM?.getInternalContext()?.session_id')
    await expect.poll(session, { timeout: 10_000 }).toBeDefined()
  }
  const fillIn = async (visitor: Visitor, { email, password }: Person) => {
    await visitor.open('/login')
    await started(visitor)
    await type(visitor, 'Email', email)
    await type(visitor, 'Password', password)
  }
  const signInMeasured = async (visitor: Visitor, person: Person) => {
    await fillIn(visitor, person)
    expect((await visitor.press('Sign in')).status()).toBe(200)
    await started(visitor)
  }

  test('without consent the browser sends and stores nothing', async () => {
    const visitor = await stage.visitor({ ip: '198.51.100.80' })
    const { page, open, press } = visitor
    const reports = watchReports(visitor)
    const person = newPerson('una')
    await register(visitor, person)
    await signIn(visitor, person)
    await open('/account')
    await press('Log out')
    await press('No, thank you')
    await page.getByText('We do not measure how you use these pages.').waitFor()
    await signIn(visitor, person)
    expect(reports).toEqual([])
    expect(await cookiesOf(visitor)).toEqual(['consent', 'device', 'session'])
    expect(await page.evaluate('localStorage.length + sessionStorage.length')).toBe(0)
    for (const event of await loginsOf(person)) expect(event).not.toHaveProperty('rum_session_id')
  })

  test('it reports pages, clicks and outcomes under one session, which the login names as well, and no typed text', async () => {
    const visitor = await stage.visitor({ ip: '198.51.100.81' })
    const { page, open, press } = visitor
    const person = newPerson('vera')
    const reports = watchReports(visitor)
    const bodies: string[] = []
    visitor.context.on('request', (request) => {
      if (request.url().startsWith(stage.lab.datadog.rumUrl)) bodies.push(request.postData() ?? '')
    })
    await open('/login?notice=signed-out&canary-query=1')
    await press('Allow')
    await page.getByText('You allow us to measure').waitFor()
    const secrets: string[] = [person.email, person.email.split('@')[0] ?? '', person.password, 'canary']

    await open('/register')
    await type(visitor, 'Email', person.email)
    await type(visitor, 'Password', person.password)
    await press('Create account')
    await confirmAddress(visitor, person)
    await fillIn(visitor, { ...person, password: 'canary-wrong password' })
    expect((await press('Sign in')).status()).toBe(403)
    await started(visitor)
    await page.locator(`input[value="${person.email}"]`).click()
    await signInMeasured(visitor, person)
    await page.getByText(person.email).waitFor()

    await open('/account')
    await setUpAuthenticator(visitor, person)
    expect(await page.evaluate('[document.querySelectorAll("#rum").length, typeof DD_RUM]')).toEqual([0, 'undefined'])
    person.secret = (await page.locator('.secret code').first().innerText()).replaceAll(/\s/g, '')
    secrets.push(person.secret)
    const codes = [await codeOf(person), await codeOf(person, 1)] as const
    await type(visitor, /^Code/, codes[0])
    await press('Turn on')
    await press('Log out')
    await signInMeasured(visitor, person)
    await type(visitor, /^Code/, codes[1])
    await press('Continue')
    await started(visitor)
    await page.getByText(person.email).click()
    await open('/login')
    secrets.push(person.secret, (await visitor.context.cookies()).find(({ name }) => name === 'session')?.value ?? '')

    const logins = await loginsOf(person)
    expect(logins.map(({ outcome }) => outcome)).toEqual(['fail', 'success', 'challenge'])
    const [{ rum_session_id: session } = {}] = logins
    expect(session).toBeDefined()
    expect(new Set(logins.map(({ rum_session_id }) => rum_session_id))).toEqual(new Set([session]))
    const found = await fetch(`${stage.lab.urls.datadog}/lab/logs?query=@evt:login @rum_session_id:${session}`)
    expect(((await found.json()) as { logs: unknown[] }).logs).toHaveLength(3)
    const mine = () => reported(`&session=${session}`)
    const outcomes = async () => actionsOf(await mine(), 'login.result')
    const told = ['login-refused', 'success', 'challenge', 'success']
    await expect.poll(outcomes, { timeout: 15_000 }).toEqual(told)

    const events = await mine()
    expect(events.map((event) => event.type)).toContain('view')
    expect(events.some((event) => event.action?.type === 'click')).toBe(true)
    const paths = new Set(events.map(({ view }) => new URL(view.url).pathname))
    expect([...paths].sort()).toEqual(expect.arrayContaining(['/account', '/dashboard', '/login', '/mfa', '/register']))
    for (const { view } of events) expect(view.url + (view.referrer ?? '')).not.toMatch(/[?#]/)

    const { usr } = (await logged()).find(
      (event) => event.evt === 'login' && 'sid' in event && event.email === person.email,
    ) as {
      usr: { id: string }
    }
    const named = events.filter((event) => event.usr)
    expect(named.length).toBeGreaterThan(0)
    for (const event of named) expect(event.usr).toEqual({ id: usr.id })
    for (const { view } of named) expect(new URL(view.url).pathname).toMatch(/^\/(dashboard|account)/)

    expect(bodies.length).toBeGreaterThan(0)
    const everything = bodies.join('\n') + JSON.stringify(events) + reports.join('\n')
    for (const secret of secrets) expect(everything).not.toContain(secret)
    const alone = (code: string) => new RegExp(`(?<![0-9a-f])${code}(?![0-9a-f])`)
    for (const text of textsIn(events)) for (const code of codes) expect(text).not.toMatch(alone(code))
    for (const url of reports)
      expect(decodeURIComponent(new URL(url).searchParams.get('ddforward') ?? url)).toMatch(/^\/api\/v2\/rum\?/)
  })

  test('it says that a containment notice was shown', async () => {
    const visitor = await stage.visitor({ ip: '198.51.100.82' })
    const person = newPerson('wim')
    await visitor.open('/register')
    await visitor.press('Allow')
    await register(visitor, person)
    await signInMeasured(visitor, person)
    const thief = await stage.visitor({ ip: '203.0.113.82', userAgent: FIREFOX_ON_LINUX })
    const stolen = (await visitor.context.cookies()).filter(({ name }) => name === 'session')
    await thief.context.addCookies(stolen)
    await thief.open('/dashboard')
    await expect.poll(async () => (await thief.open('/dashboard')).status(), { timeout: 10_000 }).toBe(401)
    expect((await visitor.open('/dashboard')).status()).toBe(401)
    await started(visitor)
    await visitor.open('/register')
    const [login] = await loginsOf(person)
    const notices = async () => actionsOf(await reported(`&session=${login?.rum_session_id}`), 'containment.notice')
    await expect.poll(notices, { timeout: 15_000 }).toEqual(['contained'])
  })

  test('a withdrawn consent ends the session of the SDK and all reports', async () => {
    const visitor = await stage.visitor({ ip: '198.51.100.83' })
    const { open, press } = visitor
    const person = newPerson('xena')
    await register(visitor, person)
    await press('Allow')
    await signInMeasured(visitor, person)
    const [before] = await loginsOf(person)
    const session = before?.rum_session_id
    expect(session).toBeDefined()
    await open('/account')
    await press('Stop it')
    await expect
      .poll(async () => (await reported(`&session=${session}`)).length, { timeout: 15_000 })
      .toBeGreaterThan(0)

    const reports = watchReports(visitor)
    await press('Log out')
    await signIn(visitor, person)
    await open('/account')
    expect(reports).toEqual([])
    const logins = await loginsOf(person)
    expect(logins.map(({ rum_session_id }) => rum_session_id)).toEqual([session, undefined])
    const cookies = await visitor.context.cookies()
    for (const { value } of cookies) expect(value).not.toContain(session)
  })

  test('without script the answer is kept all the same', async () => {
    const visitor = await stage.visitor({ ip: '198.51.100.84', script: false })
    await visitor.open('/register')
    await visitor.press('Allow')
    expect(new URL(visitor.page.url()).pathname).toBe('/register')
    await visitor.page.getByText('You allow us to measure').waitFor()
    await visitor.press('Stop it')
    await visitor.page.getByText('We do not measure how you use these pages.').waitFor()
  })
})

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}
