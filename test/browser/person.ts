import { randomUUID } from 'node:crypto'
import { generate } from 'otplib'
import { expect } from 'vitest'
import type { Visitor } from './visitor.ts'

const PASSWORD = 'canary password, long enough'

export interface Person {
  email: string
  password: string
  /** The key of an authenticator app, once one is set up. */
  secret?: string
}

export const newPerson = (name: string): Person => ({
  email: `${name}.${randomUUID().slice(0, 8)}@example.com`,
  password: PASSWORD,
})

/** Told of each page on the way, by name. */
type Seen = (page: string) => Promise<void>

/** What people do on these pages, by the labels and buttons that they see. */
export async function register(visitor: Visitor, person: Person, seen: Seen = async () => {}): Promise<void> {
  const { page, open, press } = visitor
  await open('/register')
  await page.getByLabel('Email').fill(person.email)
  await page.getByLabel('Password').fill(person.password)
  await press('Create account')
  await confirmAddress(visitor, person, seen)
}

/** From the page after registering to the sign-in: by the mail, and without any address typed. */
export async function confirmAddress(visitor: Visitor, { email }: Person, seen: Seen = async () => {}): Promise<void> {
  const { page, press } = visitor
  await openLink(visitor, seen)
  expect(await page.getByLabel('Password').count()).toBe(0)
  await seen('confirm')
  await press('Open my account')
  expect(new URL(page.url()).pathname).toBe('/login')
  expect(await page.getByLabel('Email').inputValue()).toBe(email)
  await seen('login-confirmed')
}

/** From the page after registering to the page that confirms, with the code in place. */
export async function openLink({ page }: Visitor, seen: Seen = async () => {}): Promise<void> {
  expect(new URL(page.url()).pathname).toBe('/register/sent')
  await seen('register-sent')
  await page.getByRole('link', { name: 'Open the lab’s mailbox' }).click()
  await page.getByRole('heading', { name: 'Confirm your address' }).waitFor()
  await seen('mailbox')
  await page.getByRole('link', { name: '/confirm#' }).click()
  await page.getByRole('button', { name: 'Open my account' }).waitFor()
  await page.waitForLoadState('load')
  const code = page.getByLabel('Code from the mail')
  if (await code.isVisible()) await code.fill(codeIn(page.url()))
  else expect(page.url()).not.toContain('token')
}

/** Without script, the code stays in the address bar, from where a person copies it. */
const codeIn = (url: string): string => new URL(url).hash.replace('#token=', '')

/** Gives the password; where that leads is for the caller to say. */
export async function givePassword(visitor: Visitor, { email, password }: Person): Promise<number> {
  const { page, open, press } = visitor
  await open('/login')
  await page.getByLabel('Email').fill(email)
  await page.getByLabel('Password').fill(password)
  return (await press('Sign in')).status()
}

export async function signIn(visitor: Visitor, person: Person): Promise<void> {
  expect(await givePassword(visitor, person)).toBe(200)
  expect(new URL(visitor.page.url()).pathname).toBe('/dashboard')
}

/** Asks for an authenticator on the account page, which takes the password once more. */
export async function setUpAuthenticator({ page, press }: Visitor, { password }: Person): Promise<void> {
  expect((await press('Set up')).status()).toBe(403)
  await page.getByLabel('Password').fill(password)
  expect((await press('Continue')).status()).toBe(200)
}

/** A code of the person's app, `steps` of thirty seconds from now: each step's code is accepted once. */
export const codeOf = ({ secret = '' }: Person, steps = 0): Promise<string> =>
  generate({ secret, epoch: Math.floor(Date.now() / 1000) + 30 * steps })

/** A code that is wrong for a while to come. */
export async function wrongCodeOf(person: Person): Promise<string> {
  const right = await Promise.all([-2, -1, 0, 1, 2, 3].map((steps) => codeOf(person, steps)))
  let code = 0
  while (right.includes(String(code).padStart(6, '0'))) code++
  return String(code).padStart(6, '0')
}
