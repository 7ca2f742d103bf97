import { signal } from '@preact/signals'
import type { Mail } from '../../../api.ts'
import { getJson } from '../../http.ts'
import { isAbort, messageOf } from '../kit/format.ts'

/** As many as the mailbox keeps. */
const MOST_MAILS = 1_000
const WAIT_SECONDS = 30
const PAUSE_AFTER_FAULT_MS = 2_000
const PAUSE_AFTER_NOTHING_MS = 500

/** Newest first; undefined before the first answer. */
export const mails = signal<readonly Mail[] | undefined>(undefined)
export const fault = signal<string | undefined>(undefined)
export const search = signal('')

/** Waits for mail while the view is on the page. @returns the end of it */
export function watchMail(): () => void {
  const end = new AbortController()
  void follow(end.signal)
  return () => end.abort()
}

async function follow(end: AbortSignal): Promise<void> {
  // A lab that was started anew counts its mails from one again.
  let known: readonly Mail[] = []
  while (!end.aborted) {
    try {
      const wait = known.length === 0 && mails.peek() === undefined ? 0 : WAIT_SECONDS
      const path = `/mail.json?after=${known[0]?.id ?? 0}&wait=${wait}`
      const { mails: more } = await getJson<{ mails: Mail[] }>(path, end)
      known = [...more, ...known].slice(0, MOST_MAILS)
      mails.value = known
      fault.value = undefined
      // A mailbox with many readers answers at once.
      if (more.length === 0) await pause(PAUSE_AFTER_NOTHING_MS, end)
    } catch (error) {
      if (isAbort(error)) return
      fault.value = messageOf(error)
      known = []
      await pause(PAUSE_AFTER_FAULT_MS, end)
    }
  }
}

const pause = (ms: number, end: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    end.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })

/** Whether a mail is about what was typed: an address, or words of it. */
export function isAbout({ to, subject, text }: Mail, typed: string): boolean {
  const words = typed.toLowerCase().split(/\s+/)
  const whole = [...to, subject, text].join('\n').toLowerCase()
  return words.every((word) => whole.includes(word))
}

export interface Piece {
  readonly text: string
  readonly isLink: boolean
}

/** A web address up to the first blank, without the final punctuation of a sentence. */
const LINK = /(https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)])/

/** A text in pieces, each a link or plain. */
export const piecesOf = (text: string): Piece[] =>
  text.split(LINK).flatMap((piece, at) => (piece === '' ? [] : [{ text: piece, isLink: at % 2 === 1 }]))
