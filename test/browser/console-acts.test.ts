import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { afterAll, describe, expect, test } from 'vitest'
import { look } from './look.ts'
import { newPerson, register, signIn } from './person.ts'
import { useStage } from './stage.ts'

/** What a person does in the console, over a whole lab: attacks, deliveries that are sent again, decisions with a reason. */

const stage = useStage({}, { console: true })
/** An attack waits for its alert, its containment and the requests under way. */
const STORY_MS = 60_000

describe('from the console', { timeout: 120_000 }, () => {
  const open = async (hash: string): Promise<Page> => {
    const { page } = await stage.visitor({})
    await page.goto(`${stage.lab.urls.datadog}/${hash}`)
    await page.getByText('Live', { exact: true }).waitFor()
    return page
  }
  const logged = async () => {
    await stage.lab.flush()
    const lines = (await readFile(stage.lab.logs.events, 'utf8')).trim().split('\n')
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  }
  const goTo = (page: Page, view: string) =>
    page
      .getByRole('link', { name: new RegExp(`^${view}`) })
      .first()
      .click()

  test('one runs an attack to its end, and reads what each alert led to', async () => {
    const page = await open('#/attacks?slug=credential-stuffing')
    await page.getByLabel('Seed').fill('5')
    await page.getByRole('button', { name: 'Run the attack' }).press('Enter')
    await page.getByText('attacker', { exact: true }).first().waitFor()
    await page.getByText('all checks hold').waitFor({ timeout: STORY_MS })
    await look(page, 'console/acts-attack')

    await goTo(page, 'Containments')
    await page.getByText('blocked the network').first().waitFor()
  })

  test('one runs the benign twin, which raises no alert, and stops a run that is too slow', async () => {
    const page = await open('#/attacks?slug=session-reuse')
    await page.getByRole('radio', { name: 'Its benign twin' }).check()
    await page.getByRole('button', { name: 'Run the twin' }).click()
    await page.getByText('no alert, as it must be').waitFor({ timeout: STORY_MS })
    await page.getByRole('radio', { name: 'The attack' }).check()
    await page.getByLabel('Pace').selectOption('5000')
    await page.getByRole('button', { name: 'Run the attack' }).click()
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.getByText('stopped', { exact: true }).first().waitFor()
  })

  test('one robs one’s own session, whose page tells it by itself', async () => {
    const mia = await stage.visitor({})
    const person = newPerson('mia')
    await register(mia, person)
    await signIn(mia, person)
    await mia.open('/dashboard')
    const page = await open('#/attacks?slug=session-reuse')
    await page.getByLabel('On my own session').check()
    await page.getByRole('button', { name: 'Rob my session' }).click()
    await mia.page
      .getByRole('alert')
      .getByText('We ended this session to protect your account')
      .waitFor({ timeout: STORY_MS })
    await page.getByText('all checks hold').waitFor({ timeout: STORY_MS })
    await page.getByRole('link', { name: 'Containments', exact: true }).first().click()
    await page.getByText('ended the session').first().waitFor()
  })

  test('one undoes a containment with a reason, which stands in the log', async () => {
    const page = await open('#/containments')
    await page
      .getByRole('row', { name: /credential-stuffing blocked the network/ })
      .getByRole('button')
      .press('Enter')
    const undo = page.getByRole('button', { name: 'Undo' })
    await undo.click()
    await page.getByLabel('Reason').fill('CASE-17: an office')
    await undo.click()
    await page.getByText('undone', { exact: true }).waitFor()
    const undone = (await logged()).filter(({ evt, outcome }) => evt === 'contain' && outcome === 'undone')
    expect(undone).toEqual([expect.objectContaining({ why: 'CASE-17: an office', action: 'block_ip' })])
  })

  test('one sends a delivery again: as it was, edited, and lost on its way', async () => {
    const page = await open('#/deliveries?detection=session-reuse')
    const rows = page.locator('.row')
    await rows.first().waitFor()
    const before = await rows.count()
    await page.locator('.row-button').last().press('Enter')
    const send = page.getByRole('button', { name: 'Send', exact: true })
    await send.click()
    await page.getByText('ignored: duplicate').first().waitFor()
    await page.getByText('sent by hand').first().waitFor()
    await page.getByRole('radio', { name: 'Edited' }).check()
    const payload = page.getByRole('textbox', { name: 'Payload' })
    await payload.fill((await payload.inputValue()).replace(/@sid:[\w-]+/, '@sid:AAAAAAAAAAAAAAAAAAAAAA'))
    await send.click()
    await page.getByText('422', { exact: true }).first().waitFor()
    await look(page, 'console/acts-deliveries')
    await page.getByLabel('Drop the next').fill('1')
    await page.getByRole('button', { name: 'Drop', exact: true }).click()
    await page.getByText('The next 1 delivery will be dropped.').first().waitFor()
    await page.getByRole('radio', { name: 'As it was' }).check()
    await send.click()
    await page.getByText('dropped', { exact: true }).first().waitFor()
    await expect.poll(() => rows.count()).toBe(before + 3)
  })

  test('one searches what the hosts logged, counts it, and reads why a search finds nothing', async () => {
    const visitor = await stage.visitor({})
    const { page } = visitor
    await page.goto(`${stage.lab.urls.datadog}/#/events?range=all`)
    await page.getByRole('link', { name: 'Failed sign-ins by network' }).click()
    await page
      .getByRole('button', { name: /^203\.0\.113\./ })
      .first()
      .click()
    await page.getByRole('columnheader', { name: 'Outcome' }).waitFor()
    await look(page, 'console/acts-events')
    await page.locator('.row-button').first().press('Enter')
    await page.getByRole('button', { name: 'Count by @usr.exists' }).click()
    await page.getByText(/values? of @usr.exists/).waitFor()
    const search = page.getByLabel('Search', { exact: true })
    await page.getByLabel('Count by').fill('')
    await search.fill('evt:login')
    await search.press('Enter')
    await page.getByText('@evt:login').first().waitFor()
    await page.getByRole('heading', { name: 'No event matches' }).waitFor()
    await search.fill('@evt:(login')
    await search.press('Enter')
    await page.getByRole('alert').waitFor()
    expect(visitor.faults.splice(0)).toEqual([expect.stringContaining('400 for')])
  })

  test('one sees what a browser reported beside what the hosts logged of the same sign-in', async () => {
    const visitor = await stage.visitor({ ip: '198.51.100.90' })
    const person = newPerson('vera')
    await register(visitor, person)
    await visitor.open('/login')
    await visitor.press('Allow')
    await visitor.open('/login')
    // The SDK starts some time after its page is there; these pages forbid `waitForFunction`.
    const session = () => visitor.page.evaluate<string | undefined>('window.DD_RUM?.getInternalContext()?.session_id')
    await expect.poll(session, { timeout: 10_000 }).toBeDefined()
    await visitor.page.getByLabel('Email').fill(person.email)
    await visitor.page.getByLabel('Password').fill(person.password)
    await visitor.press('Sign in')
    await expect.poll(session, { timeout: 10_000 }).toBeDefined()
    const id = await session()
    await visitor.open('/account')
    const page = await open(`#/rum?session=${id}`)
    await page.getByText('login.result: success').waitFor()
    await page.getByText('login success').waitFor()
    await page.getByText('session new').waitFor()
    await look(page, 'console/acts-rum')
  })

  test('one reads the mail, and follows its link to the service', async () => {
    const page = await open('#/mail')
    await page
      .getByRole('link', { name: /Confirm your address/ })
      .first()
      .click()
    const link = page.getByRole('link', { name: /\/confirm#token=/ })
    expect(await link.getAttribute('rel')).toBe('noreferrer')
    expect(await link.getAttribute('href')).toContain(stage.lab.urls.web)
  })

  afterAll(async () => {
    const { received } = (await (await fetch(`${stage.lab.urls.datadog}/lab/csp`)).json()) as { received: number }
    expect(received).toBe(0)
  })
})
