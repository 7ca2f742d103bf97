/** A received mail. */
export interface KeptMail {
  /** Increases by one with each mail. */
  readonly id: number
  /** ISO 8601 */
  readonly at: string
  readonly from: string
  readonly to: readonly string[]
  readonly subject: string
  readonly text: string
}

const MAX_MAILS = 1000
const MAX_READERS = 500

/** The newest mails of the lab, in memory. */
export class Mailbox {
  readonly #mails: KeptMail[] = []
  readonly #waiting = new Set<(done?: 'closed') => void>()
  #last = 0
  #closed = false

  add(mail: Omit<KeptMail, 'id'>): void {
    this.#last++
    this.#mails.push({ ...mail, id: this.#last })
    if (this.#mails.length > MAX_MAILS) this.#mails.shift()
    for (const look of [...this.#waiting]) look()
  }

  /** Newest first. @param to only mail to this address @param after only mail with a higher id */
  list({ to, after = 0 }: { to?: string | undefined; after?: number } = {}): KeptMail[] {
    const address = to?.trim().toLowerCase()
    const wanted = (mail: KeptMail) => mail.id > after && (address === undefined || mail.to.includes(address))
    return this.#mails.filter(wanted).reverse()
  }

  /** Like {@link list}; if the list is empty, waits up to `milliseconds` for the first mail. */
  async wait(filter: { to?: string | undefined; after?: number }, milliseconds: number): Promise<KeptMail[]> {
    const found = this.list(filter)
    if (found.length > 0 || milliseconds <= 0 || this.#closed || this.#waiting.size >= MAX_READERS) return found
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer)
        this.#waiting.delete(look)
        resolve(this.list(filter))
      }
      const look = (done?: 'closed') => {
        if (done || this.list(filter).length > 0) end()
      }
      const timer = setTimeout(end, milliseconds)
      this.#waiting.add(look)
    })
  }

  /** Ends all waits. */
  close(): void {
    this.#closed = true
    for (const look of [...this.#waiting]) look('closed')
  }
}
