import type { Page } from 'playwright-core'

const EMAIL = 'mia@example.com'
const PASSWORD = 'a long password of the lab'

interface Mail {
  readonly text: string
}

/** Registers a person, follows the link of the mail, and signs in. @param page of the service */
export async function signInAsNew(page: Page, urls: { readonly web: string; readonly datadog: string }): Promise<void> {
  const submit = async (button: string) => {
    await page.getByRole('button', { name: button, exact: true }).click()
    await page.waitForLoadState('load')
  }
  await page.goto(`${urls.web}/register`)
  await page.getByLabel('Email').fill(EMAIL)
  await page.getByLabel('Password').fill(PASSWORD)
  await submit('Create account')
  await page.goto(await confirmation(urls.datadog))
  await submit('Open my account')
  await page.goto(`${urls.web}/login`)
  await page.getByLabel('Email').fill(EMAIL)
  await page.getByLabel('Password').fill(PASSWORD)
  await submit('Sign in')
  await page.getByText('Signed in as').waitFor()
}

async function confirmation(datadog: string): Promise<string> {
  const answer = await fetch(`${datadog}/mail.json?to=${EMAIL}&wait=10`)
  const { mails } = (await answer.json()) as { mails: Mail[] }
  const [link] = /https?:\/\/\S+\/confirm#token=[\w.-]+/.exec(mails[0]?.text ?? '') ?? []
  if (link === undefined) throw new Error('The mail that confirms an address has not arrived')
  return link
}
