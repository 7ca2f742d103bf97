/** One mail in plain text. Apart from the recipient's address it contains no text that a client sent. */
export interface Mail {
  to: string
  subject: string
  text: string
}

/**
 * Hands a mail over and returns at once: whether and how fast it is delivered must show in no answer. A mail that could
 * not be delivered is an error in the log.
 */
export type Notify = (mail: Mail) => void
