import type { IncomingMessage, ServerResponse } from 'node:http'
import { sendError, sendJson } from '../datadog/http.ts'
import type { Mailbox } from './mailbox.ts'
import { linksIn, mailboxPage, PAGE_HEADERS } from './page.ts'

type Handler = (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => Promise<void>

const WAIT_AT_MOST_SECONDS = 30
/** A person may arrive from the registration page before the mail does. */
const PAGE_WAITS_MS = 3000

/** `GET /mail` for people, `GET /mail.json[?to=][&after=][&wait=]` for programs: the newest mail first. */
export const mailboxRoutes = (mailbox: Mailbox): Readonly<Record<string, Handler>> => ({
  'GET /mail': async (_request, response, query) => {
    const to = query.get('to') || undefined
    const id = numberOf(query.get('id'), Number.MAX_SAFE_INTEGER)
    const mails = to === undefined ? mailbox.list() : await mailbox.wait({ to }, PAGE_WAITS_MS)
    const opened = mails.find((mail) => mail.id === id) ?? mails[0]
    response.writeHead(200, PAGE_HEADERS).end(mailboxPage(mails, opened, to))
  },
  'GET /mail.json': async (_request, response, query) => {
    const after = numberOf(query.get('after') ?? '0', Number.MAX_SAFE_INTEGER)
    const wait = numberOf(query.get('wait') ?? '0', WAIT_AT_MOST_SECONDS)
    if (after === undefined) return sendError(response, 400, 'after is not the id of a mail')
    if (wait === undefined) return sendError(response, 400, `wait is not a number from 0 to ${WAIT_AT_MOST_SECONDS}`)
    const mails = await mailbox.wait({ to: query.get('to') || undefined, after }, wait * 1000)
    sendJson(response, 200, { mails: mails.map((mail) => ({ ...mail, links: linksIn(mail.text) })) })
  },
})

const numberOf = (text: string | null, max: number): number | undefined =>
  text !== null && /^\d+(\.\d+)?$/.test(text) && Number(text) <= max ? Number(text) : undefined
