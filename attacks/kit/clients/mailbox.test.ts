import { createServer } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { Mailbox } from '../../../lab/mailbox/mailbox.ts'
import { mailboxRoutes } from '../../../lab/mailbox/routes.ts'
import { portOf } from '../../../test/port-of.ts'
import { openMailbox, registerByMail } from './mailbox.ts'
import { RequestFailed } from './request-failed.ts'

const ANNA = { email: 'anna@example.com', password: 'a password' }
const closers: (() => unknown)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

async function serve() {
  const kept = new Mailbox()
  const routes = mailboxRoutes(kept)
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
    void routes[`GET ${pathname}`]?.(request, response, searchParams)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  closers.push(() => {
    kept.close()
    server.closeAllConnections()
    server.close()
  })
  const stopping = new AbortController()
  const origin = `http://127.0.0.1:${portOf(server)}`
  const deliver = (text: string, to = ANNA.email) =>
    kept.add({ at: new Date().toISOString(), from: 'lab@example.com', to: [to], subject: 'Subject', text })
  return { mailbox: openMailbox(origin, stopping.signal), deliver, stop: () => stopping.abort(new Error('stopped')) }
}
const link = (code: string) => `Open https://app.example.com/confirm#token=${code}\n`

test('a registration is confirmed by its own link, not by an earlier one or one to another address', async () => {
  const { mailbox, deliver } = await serve()
  deliver(link('before'))
  const confirmed: string[] = []
  await registerByMail(ANNA, mailbox, {
    async request() {
      deliver(link('of-ben'), 'ben@example.com')
      deliver('You already have an account: https://app.example.com/login')
      deliver(link('mine'))
    },
    async confirm(code) {
      confirmed.push(code)
    },
  })
  expect(confirmed).toEqual(['mine'])
})

test('a mail without a link is skipped', async () => {
  const { mailbox, deliver } = await serve()
  const code = mailbox.codeAfter(0, ANNA.email)
  deliver('Nothing to confirm here.')
  deliver(link('late'))
  expect(await code).toBe('late')
})

test('an abort ends the wait', async () => {
  const { mailbox, stop } = await serve()
  const code = mailbox.codeAfter(0, ANNA.email)
  stop()
  await expect(code).rejects.toThrow('stopped')
})

test('a registration without a mailbox, or with one that does not answer, fails with a message', async () => {
  const steps = { request: async () => {}, confirm: async () => {} }
  await expect(registerByMail(ANNA, undefined, steps)).rejects.toThrow(RequestFailed)
  const nowhere = openMailbox('http://127.0.0.1:1', new AbortController().signal)
  await expect(registerByMail(ANNA, nowhere, steps)).rejects.toThrow(
    'the mailbox at http://127.0.0.1:1 does not answer',
  )
})
