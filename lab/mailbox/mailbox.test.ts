import http from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { createTransport } from 'nodemailer'
import { afterEach, describe, expect, test } from 'vitest'
import { Mailbox } from './mailbox.ts'
import { linksIn, mailboxPage } from './page.ts'
import { type ServedMailbox, serveMailbox } from './serve.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const mail = (to: string, subject = 'Subject') => ({
  at: '2026-03-01T12:00:00.000Z',
  from: 'lab@example.com',
  to: [to],
  subject,
  text: 'Text',
})

async function serve(): Promise<ServedMailbox & { origin: string }> {
  const served = await serveMailbox(0, () => {})
  closers.push(served.close)
  return { ...served, origin: new URL(served.mailboxUrl).origin }
}
const sender = (url: string) => {
  const transport = createTransport(url)
  closers.push(() => transport.close())
  return transport
}
const get = async (url: string, headers: Record<string, string> = {}) => {
  // fetch does not allow a custom Host.
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    http.get(url, { headers }, resolve).on('error', reject)
  })
  return { status: response.statusCode, headers: response.headers, body: await text(response) }
}

describe('a mailbox', () => {
  test('lists the newest first, by address and after an id', () => {
    const mailbox = new Mailbox()
    for (const to of ['a@example.com', 'b@example.com', 'a@example.com']) mailbox.add(mail(to))
    expect(mailbox.list().map(({ id }) => id)).toEqual([3, 2, 1])
    expect(mailbox.list({ to: ' A@Example.com' }).map(({ id }) => id)).toEqual([3, 1])
    expect(mailbox.list({ to: 'a@example.com', after: 1 }).map(({ id }) => id)).toEqual([3])
  })

  test('keeps the newest thousand', () => {
    const mailbox = new Mailbox()
    for (let n = 0; n < 1001; n++) mailbox.add(mail('a@example.com'))
    expect([mailbox.list().length, mailbox.list().at(-1)?.id]).toEqual([1000, 2])
  })

  test('ends a wait when the mail arrives, at its time-out, or when the mailbox is closed', async () => {
    const mailbox = new Mailbox()
    const waiting = mailbox.wait({ to: 'a@example.com' }, 60_000)
    const late = mailbox.wait({ to: 'nobody@example.com' }, 1)
    const left = mailbox.wait({ to: 'nobody@example.com' }, 60_000)
    mailbox.add(mail('b@example.com'))
    mailbox.add(mail('a@example.com'))
    expect((await waiting).map(({ id }) => id)).toEqual([2])
    expect(await late).toEqual([])
    mailbox.close()
    expect(await left).toEqual([])
  })
})

describe('by SMTP', () => {
  test('a mail arrives whole, to every recipient, and is shown to people and to programs', async () => {
    const { smtpUrl, origin } = await serve()
    const link = `https://app.example.com/confirm#token=${'x'.repeat(60)}`
    const waiting = get(`${origin}/mail.json?to=anna@example.com&wait=10`)
    await sender(smtpUrl).sendMail({
      from: 'lab@example.com',
      to: 'Anna@example.com, ben@example.com',
      subject: 'Grüße <b>',
      text: `First line.\n\n${link}\n\nÄnd & <script>alert(1)</script>.\n`,
    })
    const { mails } = JSON.parse((await waiting).body)
    expect(mails).toMatchObject([
      {
        id: 1,
        from: 'lab@example.com',
        to: ['anna@example.com', 'ben@example.com'],
        subject: 'Grüße <b>',
        links: [link],
      },
    ])
    const page = await get(`${origin}/mail?to=ben@example.com`)
    expect(page.body).toContain(`<a href="${link}" rel="noreferrer">${link}</a>`)
    expect(page.body).toContain('Grüße &lt;b&gt;')
    expect(page.body).toContain('Änd &amp; &lt;script&gt;')
    expect(page.body).not.toContain('<script')
    expect(page.headers).toMatchObject({ 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' })
    expect(page.headers['content-security-policy']).toContain("default-src 'none'; style-src 'sha256-")
  })

  test('a wrong password and more than 256 KiB are refused', async () => {
    const { smtpUrl, origin } = await serve()
    const { port } = new URL(smtpUrl)
    const message = { from: 'a@example.com', to: 'b@example.com', subject: 'x', text: 'x' }
    for (const url of [`smtp://127.0.0.1:${port}`, `smtp://lab:guess@127.0.0.1:${port}`]) {
      await expect(sender(url).sendMail(message)).rejects.toThrow(/530|535/)
    }
    await expect(sender(smtpUrl).sendMail({ ...message, text: 'x'.repeat(257 * 1024) })).rejects.toThrow(/552/)
    expect(JSON.parse((await get(`${origin}/mail.json`)).body)).toEqual({ mails: [] })
  })

  test('a post of a page in a browser delivers nothing', async () => {
    const { smtpUrl, origin } = await serve()
    const socket = connect(Number(new URL(smtpUrl).port), '127.0.0.1')
    const commands = 'EHLO x\r\nMAIL FROM:<a@x.org>\r\nRCPT TO:<b@x.org>\r\nDATA\r\nhello\r\n.\r\nQUIT\r\n'
    socket.end(`POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n\r\n${commands}`)
    await text(socket)
    expect(JSON.parse((await get(`${origin}/mail.json`)).body)).toEqual({ mails: [] })
  })
})

describe('over HTTP', () => {
  test('a foreign Host, and a page of another site, are refused', async () => {
    const { origin } = await serve()
    for (const path of ['/mail', '/mail.json']) {
      expect((await get(origin + path)).status).toBe(200)
      expect((await get(origin + path, { host: 'evil.example' })).status).toBe(403)
      expect((await get(origin + path, { origin: 'https://evil.example' })).status).toBe(403)
    }
    expect((await get(`${origin}/other`)).status).toBe(404)
  })

  test.each(['after=x', 'after=-1', 'wait=31', 'wait=x', 'wait=1e3'])('%s is refused', async (query) => {
    const { origin } = await serve()
    expect((await get(`${origin}/mail.json?${query}`)).status).toBe(400)
  })
})

test('a page without mail reloads; one with several opens the newest or the requested one', () => {
  expect(mailboxPage([], undefined, '"><script>')).toContain('Mail to &quot;&gt;&lt;script&gt;')
  expect(mailboxPage([], undefined, undefined)).toContain('http-equiv="refresh"')
  const [newest, oldest] = [
    { ...mail('a@example.com', 'Newest'), id: 2 },
    { ...mail('a@example.com', 'Oldest'), id: 1 },
  ]
  const page = mailboxPage([newest, oldest], oldest, 'a@example.com')
  expect(page).toMatch(/<h2>Oldest<\/h2>/)
  expect(page).toContain('<a href="/mail?to=a%40example.com&amp;id=2">Newest</a>')
})

test.each([
  ['See https://a.example/b?c=d#e.', ['https://a.example/b?c=d#e']],
  ['(http://a.example/x), and <https://b.example>', ['http://a.example/x', 'https://b.example']],
  ['javascript:alert(1) ftp://a.example mailto:a@example.com', []],
  ['https://a.example/"onmouseover="x', ['https://a.example/']],
])('the links in %s are %j', (given, links) => {
  expect(linksIn(given)).toEqual(links)
})
