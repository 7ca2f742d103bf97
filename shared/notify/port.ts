/** One mail in plain text. Nothing in it is a stranger's text, apart from the address that it goes to. */
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
