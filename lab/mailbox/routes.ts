import type { IncomingMessage, ServerResponse } from 'node:http'
import { sendError, sendJson } from '../datadog/http.ts'
import type { Mailbox } from './mailbox.ts'
import { linksIn, mailboxPage, PAGE_HEADERS } from './page.ts'

type Handler = (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => Promise<void>

const MAX_WAIT_SECONDS = 30
/** The page waits this long, because a person may open it before the mail has arrived. */
const PAGE_WAIT_MS = 3000

/** `GET /mail` for people, `GET /mail.json[?to=][&after=][&wait=]` for programs: the newest mail first. */
export const mailboxRoutes = (mailbox: Mailbox): Readonly<Record<string, Handler>> => ({
  'GET /mail': async (_request, response, query) => {
    const to = query.get('to') || undefined
    const id = numberOf(query.get('id'), Number.MAX_SAFE_INTEGER)
    const mails = to === undefined ? mailbox.list() : await mailbox.wait({ to }, PAGE_WAIT_MS)
    const opened = mails.find((mail) => mail.id === id) ?? mails[0]
    response.writeHead(200, PAGE_HEADERS).end(mailboxPage(mails, opened, to))
  },
  'GET /mail.json': async (_request, response, query) => {
    const after = numberOf(query.get('after') ?? '0', Number.MAX_SAFE_INTEGER)
    const wait = numberOf(query.get('wait') ?? '0', MAX_WAIT_SECONDS)
    if (after === undefined) return sendError(response, 400, 'after must be the id of a mail')
    if (wait === undefined) return sendError(response, 400, `wait must be a number from 0 to ${MAX_WAIT_SECONDS}`)
    const mails = await mailbox.wait({ to: query.get('to') || undefined, after }, wait * 1000)
    sendJson(response, 200, { mails: mails.map((mail) => ({ ...mail, links: linksIn(mail.text) })) })
  },
})

const numberOf = (text: string | null, max: number): number | undefined =>
  text !== null && /^\d+(\.\d+)?$/.test(text) && Number(text) <= max ? Number(text) : undefined
