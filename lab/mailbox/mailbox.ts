/** One mail as the lab's people read it. */
export interface KeptMail {
  /** Rises by one with each mail. */
  readonly id: number
  /** ISO 8601 */
  readonly at: string
  readonly from: string
  readonly to: readonly string[]
  readonly subject: string
  readonly text: string
}

const KEPT = 1000
const READERS = 500

/** All mail of the lab, in memory: the newest so many. */
export class Mailbox {
  readonly #mails: KeptMail[] = []
  readonly #waiting = new Set<(done?: 'closed') => void>()
  #last = 0
  #closed = false

  add(mail: Omit<KeptMail, 'id'>): void {
    this.#last++
    this.#mails.push({ ...mail, id: this.#last })
    if (this.#mails.length > KEPT) this.#mails.shift()
    for (const look of [...this.#waiting]) look()
  }

  /** Newest first. @param to only what went to this address @param after only those with a higher id */
  list({ to, after = 0 }: { to?: string | undefined; after?: number } = {}): KeptMail[] {
    const address = to?.trim().toLowerCase()
    const wanted = (mail: KeptMail) => mail.id > after && (address === undefined || mail.to.includes(address))
    return this.#mails.filter(wanted).reverse()
  }

  /** As {@link list}; if there is none, the first that comes within so many milliseconds. */
  async wait(filter: { to?: string | undefined; after?: number }, milliseconds: number): Promise<KeptMail[]> {
    const found = this.list(filter)
    if (found.length > 0 || milliseconds <= 0 || this.#closed || this.#waiting.size >= READERS) return found
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

  /** Whoever waits is answered. */
  close(): void {
    this.#closed = true
    for (const look of [...this.#waiting]) look('closed')
  }
}
