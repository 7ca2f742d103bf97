/** One message in a body of `application/logplex-1`. */
export interface SyslogMessage {
  facility: number
  severity: number
  timestamp: string
  hostname: string
  appname: string
  procid: string
  msgid: string
  /** Without the final line feed. */
  message: string
}

/** Thrown for a body that does not consist of frames, with the position of the fault in bytes. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
  readonly position: number

  constructor(position: number, reason: string) {
    super(`frame at byte ${position}: ${reason}`)
    this.position = position
  }
}

const SPACE = 0x20
const MAX_LENGTH_DIGITS = 8
// RFC 5424 without STRUCTURED-DATA, not even its nil value: Logplex leaves the field out.
const HEADER = /^<(\d{1,3})>1 (\S+) (\S+) (\S+) (\S+) (\S+)(?: ([\s\S]*))?$/
const HIGHEST_PRI = 191

/**
 * Reads the body of a drain: consecutive `<LEN> <MSG>`, where LEN is a number of bytes of UTF-8.
 * @throws FrameError at the first bad frame, so that no part of the body is used
 * @see heroku/logplex doc/README.http_drains.md
 */
export function parseFrames(body: Buffer): SyslogMessage[] {
  const messages: SyslogMessage[] = []
  let position = 0
  while (position < body.length) {
    const start = startOfMessage(body, position)
    const length = Number(body.toString('latin1', position, start - 1))
    const end = start + length
    if (end > body.length) {
      throw new FrameError(position, `has a length of ${length} bytes, but ${body.length - start} are left`)
    }
    messages.push(parseMessage(body.toString('utf8', start, end), position))
    position = end
  }
  return messages
}

function startOfMessage(body: Buffer, position: number): number {
  let at = position
  while (at < body.length && at - position <= MAX_LENGTH_DIGITS && isDigit(body[at])) at++
  if (at === position) throw new FrameError(position, 'a length in digits was expected')
  if (at - position > MAX_LENGTH_DIGITS) throw new FrameError(position, 'the length has too many digits')
  if (body[at] !== SPACE) throw new FrameError(position, 'the length is not followed by a space')
  return at + 1
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39

function parseMessage(text: string, position: number): SyslogMessage {
  const parts = HEADER.exec(text)
  if (!parts) throw new FrameError(position, 'is not "<PRI>1 TIME HOST APPNAME PROCID MSGID MSG"')
  const [, pri = '', timestamp = '', hostname = '', appname = '', procid = '', msgid = '', message = ''] = parts
  if (Number(pri) > HIGHEST_PRI) throw new FrameError(position, `PRI ${pri} is above ${HIGHEST_PRI}`)
  return {
    facility: Number(pri) >> 3,
    severity: Number(pri) & 7,
    timestamp,
    hostname,
    appname,
    procid,
    msgid,
    message: message.endsWith('\n') ? message.slice(0, -1) : message,
  }
}
