import type { Account } from '../cast.ts'
import { RequestFailed } from './request-failed.ts'

/** The lab's mailbox, which receives mail to invented addresses. */
export interface Mailbox {
  /** @returns the id of the newest mail to this address, 0 if there is none */
  newest(to: string): Promise<number>
  /**
   * The code in the first confirmation link that arrives after this mail.
   * @throws RequestFailed when none arrives in time
   */
  codeAfter(id: number, to: string): Promise<string>
}

const WAIT_SECONDS = 15
/** In addition to the wait of the mailbox itself. */
const ANSWER_WITHIN_MS = 5000

interface Mail {
  readonly id: number
  readonly links: readonly string[]
}

/** @param origin of the stand-in, or of another server of `GET /mail.json` */
export function openMailbox(origin: string, signal: AbortSignal): Mailbox {
  const read = async (to: string, query: Record<string, string>): Promise<readonly Mail[]> => {
    const { wait = '0' } = query
    const url = `${origin}/mail.json?${new URLSearchParams({ to, ...query })}`
    const timeout = AbortSignal.timeout(Number(wait) * 1000 + ANSWER_WITHIN_MS)
    const response = await fetch(url, { signal: AbortSignal.any([signal, timeout]) }).catch((error: Error) => {
      signal.throwIfAborted()
      throw new RequestFailed(`the mailbox at ${origin} does not answer: ${error.message}`)
    })
    if (!response.ok) throw new RequestFailed(`the mailbox at ${origin} answered ${response.status}`)
    return ((await response.json()) as { mails: readonly Mail[] }).mails
  }
  return {
    newest: async (to) => (await read(to, {}))[0]?.id ?? 0,
    async codeAfter(id, to) {
      for (let after = id; ; ) {
        const mails = await read(to, { after: String(after), wait: String(WAIT_SECONDS) })
        const [newest] = mails
        if (!newest) throw new RequestFailed(`no confirmation link for ${to} arrived within ${WAIT_SECONDS} s`)
        const code = mails
          .flatMap(({ links }) => links)
          .map(codeIn)
          .find((found) => found !== undefined)
        if (code !== undefined) return code
        after = newest.id
      }
    },
  }
}

const codeIn = (link: string): string | undefined => /\/confirm#token=([\w-]+)$/.exec(link)?.[1]

/** Registers and confirms with the link from the mailbox, as a person does. @throws RequestFailed without a mailbox */
export async function registerByMail(
  { email }: Account,
  mailbox: Mailbox | undefined,
  steps: { request(): Promise<void>; confirm(code: string): Promise<void> },
): Promise<void> {
  if (!mailbox) throw new RequestFailed('the confirmation link cannot be read: no mailbox is known. Give --mailbox URL')
  const before = await mailbox.newest(email)
  await steps.request()
  await steps.confirm(await mailbox.codeAfter(before, email))
}
