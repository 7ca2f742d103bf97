import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { Mailbox } from '../../lab/mailbox/mailbox.ts'
import { startReceiver } from '../../lab/mailbox/receive.ts'
import { parseFunctionsConfig } from '../../shared/config.ts'
import { labEnv, productionEnv } from '../../test/env.ts'
import { portOf } from '../../test/port-of.ts'
import { selfSigned } from '../../test/tls/certificate.ts'
import { terminateTls } from '../../test/tls/terminator.ts'
import { createMailer } from './smtp.ts'

const MAIL = {
  to: 'anna@example.com',
  subject: 'Subject',
  text: `Text\n\nhttps://app.example.com/#${'x'.repeat(80)}\n`,
}
const QUICK_MS = 300

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** A mailer of this configuration, and what it logged. */
function mailer(SMTP_URL: string, { env = labEnv(), withinMs }: { env?: NodeJS.ProcessEnv; withinMs?: number } = {}) {
  const config = parseFunctionsConfig({ ...env, SMTP_URL })
  const errors: unknown[] = []
  const { notify, close } = createMailer(config, (error) => void errors.push(error), withinMs)
  return { notify, close, errors }
}

async function receiver() {
  const mailbox = new Mailbox()
  const { url, close } = await startReceiver(mailbox, () => {})
  closers.push(close)
  return { mailbox, url: new URL(url) }
}

/** A server that sends the given answers to each client, and records what it receives. */
async function server(answer: (socket: Socket, line: string | undefined) => void) {
  const heard: string[] = []
  const listening: Server = createServer((socket) => {
    closers.push(() => socket.destroy())
    socket.on('error', () => {})
    answer(socket, undefined)
    socket.on('data', (chunk) => {
      heard.push(String(chunk))
      answer(socket, String(chunk))
    })
  })
  closers.push(() => listening.close())
  listening.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  return { heard, port: portOf(listening) }
}

describe('in the lab', () => {
  test('a mail is handed over at once, arrives as it is, and asks for no automatic reply', async () => {
    const { mailbox, url } = await receiver()
    const { notify, close, errors } = mailer(url.href)
    notify(MAIL)
    await close()
    expect(errors).toEqual([])
    expect(mailbox.list()).toMatchObject([
      { to: [MAIL.to], from: 'no-reply@example.com', subject: 'Subject', text: MAIL.text },
    ])
  })

  test('a hundred at once all arrive before the mailer is closed', async () => {
    const { mailbox, url } = await receiver()
    const { notify, close } = mailer(url.href, { withinMs: 30_000 })
    for (let n = 0; n < 100; n++) notify(MAIL)
    await close()
    expect(mailbox.list()).toHaveLength(100)
  })

  test.each([
    ['refuses the connection', async () => ({ port: 1 })],
    ['says nothing', () => server(() => {})],
    ['hangs up', () => server((socket) => socket.destroy())],
    ['refuses the mail', () => server((socket) => socket.write('554 no\r\n'))],
    ['drips', () => server((socket) => drip(socket))],
  ] as const)('a server that %s costs a line in the log, in bounded time', async (_, start) => {
    const { port } = await start()
    const { notify, close, errors } = mailer(`smtp://lab:canary@127.0.0.1:${port}`, { withinMs: QUICK_MS })
    const begun = performance.now()
    notify(MAIL)
    await close()
    expect(performance.now() - begun).toBeLessThan(QUICK_MS + 2000)
    expect(errors).toHaveLength(1)
    expect(String(errors[0] instanceof Error && errors[0].stack)).not.toMatch(/canary|#xxx/)
  })

  test('closing is bounded too: mails that still wait are given up, with a line in the log', async () => {
    const { port } = await server(() => {})
    const { notify, close, errors } = mailer(`smtp://127.0.0.1:${port}`, { withinMs: QUICK_MS })
    for (let n = 0; n < 100; n++) notify(MAIL)
    const begun = performance.now()
    await close()
    expect(performance.now() - begun).toBeLessThan(3 * QUICK_MS + 2000)
    expect(errors.map(String)).toContainEqual(expect.stringMatching(/^Error: \d+ mails were given up/))
  })

  test('mails that wait are bounded: one more is lost, with a line in the log', async () => {
    const { port } = await server(() => {})
    const { notify, errors } = mailer(`smtp://127.0.0.1:${port}`, { withinMs: 60_000 })
    for (let n = 0; n < 506; n++) notify(MAIL)
    expect(errors.map(String)).toEqual(['Error: The mail queue is full: 500 mails are waiting.'])
  })
})

describe('outside the lab', () => {
  test('a server that offers no encryption gets neither the password nor the mail', async () => {
    const { heard, port } = await server((socket, line) => {
      socket.write(
        line === undefined ? '220 x\r\n' : line.startsWith('EHLO') ? '250-x\r\n250 AUTH PLAIN\r\n' : '502 no\r\n',
      )
    })
    const { notify, close, errors } = mailer(`smtp://user:canary@127.0.0.1:${port}`, { env: productionEnv() })
    notify(MAIL)
    await close()
    expect(errors).toHaveLength(1)
    expect(heard.join('')).toContain('STARTTLS')
    expect(heard.join('')).not.toMatch(/AUTH|MAIL FROM|canary|Y2FuYXJ5/)
  })

  test('a certificate of an unknown authority stops the delivery', async () => {
    const { mailbox, url } = await receiver()
    const tls = await terminateTls(selfSigned('localhost'), () => Number(url.port))
    closers.push(tls.close)
    const { notify, close, errors } = mailer(`smtps://lab:${url.password}@localhost:${tls.port}`, {
      env: productionEnv(),
    })
    notify(MAIL)
    await close()
    expect(String(errors[0])).toMatch(/self-signed certificate/)
    expect(mailbox.list()).toEqual([])
  })
})

/** A byte every now and then: never silent for long, and never done. */
function drip(socket: Socket): void {
  const timer = setInterval(() => socket.write('2'), 20)
  socket.once('close', () => clearInterval(timer))
}
