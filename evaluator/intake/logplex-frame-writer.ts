/** The PRI of each kind of line as drains receive it: facility × 8 + severity. */
export const PRI = {
  /** local7.info */
  app: 190,
  /** local3.info */
  router: 158,
  /** local5.warning */
  loss: 172,
} as const

/** The parts of a frame that change. */
export interface FrameFields {
  pri: number
  /** Epoch ms, with a fraction if the clock has one. */
  at: number
  appname: string
  procid: string
  message: string
}

/**
 * Frames one line byte for byte as Logplex does: LEN is the number of bytes of the message with its line feed, HOST is the word `host`,
 * MSGID is `-`, and STRUCTURED-DATA is left out.
 * @see heroku/logplex doc/README.http_drains.md
 */
export function frameLine(fields: FrameFields): Buffer {
  const { pri, at, appname, procid, message } = fields
  return frame(`<${pri}>1 ${microseconds(at)} host ${appname} ${procid} - ${message}\n`)
}

/**
 * The frame by which a drain reports lost messages. It has no line feed at its end, and its times are whole seconds.
 * @param since epoch ms of the first message lost
 */
export function frameLoss(count: number, since: number, at: number): Buffer {
  const text = `Error L10 (output buffer overflow): ${count} messages dropped since ${wholeSeconds(since)}.`
  return frame(`<${PRI.loss}>1 ${wholeSeconds(at)} host heroku logplex - ${text}`)
}

function frame(message: string): Buffer {
  const body = Buffer.from(message, 'utf8')
  return Buffer.concat([Buffer.from(`${body.length} `), body])
}

const wholeSeconds = (at: number): string => `${new Date(at).toISOString().slice(0, 19)}+00:00`

function microseconds(at: number): string {
  const whole = Math.floor(at)
  const micros = String(Math.floor((at - whole) * 1000)).padStart(3, '0')
  return `${new Date(whole).toISOString().slice(0, 23)}${micros}+00:00`
}

/** Heroku splits longer lines into several messages. */
const MAX_LINE_BYTES = 10_000

/** Splits a line at 10,000 bytes, as Heroku does. Chosen here: a cut is never inside a UTF-8 character. */
export function splitLine(line: string): string[] {
  if (line.length * 3 <= MAX_LINE_BYTES) return [line]
  const bytes = Buffer.from(line, 'utf8')
  const pieces: string[] = []
  let start = 0
  while (bytes.length - start > MAX_LINE_BYTES) {
    let end = start + MAX_LINE_BYTES
    while (isContinuation(bytes[end])) end--
    pieces.push(bytes.toString('utf8', start, end))
    start = end
  }
  pieces.push(bytes.toString('utf8', start))
  return pieces
}

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80
