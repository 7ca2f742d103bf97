/** One mail in plain text. Apart from the recipient's address it contains no text that a client sent. */
export interface Mail {
  to: string
  subject: string
  text: string
}

/**
 * Accepts a mail and returns at once: no answer may depend on its delivery. A failed delivery is an error in the log.
 */
export type Notify = (mail: Mail) => void
