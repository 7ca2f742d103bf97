import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'

/** Kestrel's defaults, which the Functions host does not change. @see `KestrelServerLimits` in dotnet/aspnetcore */
const MAX_HEADER_COUNT = 100
const MAX_REQUEST_LINE_BYTES = 8192
const MAX_HEADERS_BYTES = 32_768

/** Options for Node's server: its parser must accept whatever Kestrel accepts, so that `rejection` decides. */
export const PARSER_OPTIONS = {
  maxHeaderSize: 48 * 1024,
  headersTimeout: 30_000,
  keepAliveTimeout: 130_000,
  requireHostHeader: false,
} as const

export type RejectionStatus = 400 | 408 | 414 | 431 | 505

/**
 * @returns the status with which Kestrel refuses a request before the host sees it, if it does
 *
 * Sizes are in bytes on the wire, with one space after a header's colon, because Node does not report the number of
 * spaces. Node's parser refuses a request with both Content-Length and Transfer-Encoding; Kestrel drops the
 * length and reads the chunks.
 * @see `RequestRejectionReason` and `Http1Connection` in dotnet/aspnetcore
 */
export function rejection(request: IncomingMessage): RejectionStatus | undefined {
  const { method = '', url = '', httpVersion, rawHeaders } = request
  // Node represents each byte of a request line or header as one character.
  if (`${method} ${url} HTTP/${httpVersion}\r\n`.length > MAX_REQUEST_LINE_BYTES) return 414
  if (!isAscii(url)) return 400
  let count = 0
  let bytes = 0
  let hosts = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = [rawHeaders[index], rawHeaders[index + 1]]
    count += 1
    bytes += `${name}: ${value}\r\n`.length
    if (count > MAX_HEADER_COUNT || bytes > MAX_HEADERS_BYTES) return 431
    if (headerText(value) === undefined) return 400
    if (name.toLowerCase() === 'host') hosts += 1
  }
  if (hosts > 1 || (hosts === 0 && httpVersion !== '1.0')) return 400
  return authorityFits(url, request.headers.host) ? undefined : 400
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Decodes a header's value as Kestrel does, from UTF-8.
 * @param value as represented by Node, one character per byte
 * @returns undefined when its bytes are not UTF-8
 */
export function headerText(value: string): string | undefined {
  if (isAscii(value)) return value
  try {
    return utf8.decode(Buffer.from(value, 'latin1'))
  } catch {
    return undefined
  }
}

/** @returns whether Kestrel accepts this value of a response header; for any other it throws, and the answer is a 500 */
export const isSendableHeader = (value: string): boolean => /^[\t\x20-\x7e]*$/.test(value)

// biome-ignore lint/suspicious/noControlCharactersInRegex: all ASCII characters are intended
const isAscii = (text: string): boolean => /^[\x00-\x7f]*$/.test(text)

/** The absolute form must name the same host as Host. @see RFC 9112, 3.2.2 */
function authorityFits(url: string, host: string | undefined): boolean {
  const [, authority] = /^https?:\/\/([^/?#]*)/i.exec(url) ?? []
  return authority === undefined || authority.toLowerCase() === host?.toLowerCase()
}

/** Answers requests that Node's parser refuses like Kestrel, and closes the connection. */
export function answerParserErrors(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException & { rawPacket?: Buffer }, socket: Socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') return socket.destroy()
    const status = parserStatus(error)
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'Content-Length: 0',
      'Connection: close',
      `Date: ${new Date().toUTCString()}`,
      'Server: Kestrel',
    ]
    socket.end(`${head.join('\r\n')}\r\n\r\n`)
  })
}

function parserStatus({ code, rawPacket }: NodeJS.ErrnoException & { rawPacket?: Buffer }): RejectionStatus {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 408
  if (code === 'HPE_INVALID_VERSION') return 505
  if (code !== 'HPE_HEADER_OVERFLOW') return 400
  // Node reads up to 64 KiB at once, so the overflowing packet is the first one of its request.
  const lineEnd = rawPacket?.indexOf('\n') ?? -1
  return lineEnd < 0 || lineEnd >= MAX_REQUEST_LINE_BYTES ? 414 : 431
}
