import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { sendError } from '../datadog/http.ts'

/** Reports go to `/lab/csp`: by `report-uri`, and by `report-to` where a browser has replaced it. */
const PAGE_HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; report-uri /lab/csp; report-to csp",
  'Reporting-Endpoints': 'csp="/lab/csp"',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-cache',
} as const

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  woff2: 'font/woff2',
}
/** The build names an asset by its content, so a browser may keep it for good. */
const ASSET = /^\/assets\/([\w.-]+-[A-Z0-9]{8}\.(js|css|svg|png|woff2))$/
const COMPRESSED_TYPES = new Set(['js', 'css', 'svg'])
const ASSET_HEADERS = {
  'Cache-Control': 'public, max-age=31536000, immutable',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
} as const

type Encoding = 'br' | 'gzip' | 'identity'
const ENCODERS: Readonly<Record<Encoding, (bytes: Buffer) => Promise<Buffer>>> = {
  br: (bytes) => promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
  gzip: (bytes) => promisify(gzip)(bytes, { level: 9 }),
  identity: async (bytes) => bytes,
}

/** A page has two or three assets; builds beside a running lab add new names. */
const MAX_ASSETS = 64

/** The page of the console and its assets, as the build wrote them. */
export interface Page {
  /** @returns whether the page was sent; false if it is not built */
  send(request: IncomingMessage, response: ServerResponse): Promise<boolean>
  /** @returns what serves the asset of that path; undefined if the path names none */
  asset(path: string): ((request: IncomingMessage, response: ServerResponse) => Promise<void>) | undefined
}

/** @param folder holds `index.html`, which is read at each request, and `assets/`, each of which is read once */
export function createPage(folder: string): Page {
  const assets = new Map<string, Promise<Buffer>>()

  const encoded = (name: string, encoding: Encoding): Promise<Buffer> => {
    const key = `${encoding} ${name}`
    const known = assets.get(key)
    if (known) return known
    const bytes = readFile(join(folder, 'assets', name)).then(ENCODERS[encoding])
    assets.set(key, bytes)
    bytes.catch(() => assets.delete(key)) // it may be built later
    const [oldest] = assets.keys()
    if (assets.size > MAX_ASSETS && oldest !== undefined) assets.delete(oldest)
    return bytes
  }

  return {
    async send(request, response) {
      const page = await readFile(join(folder, 'index.html')).catch(() => undefined)
      if (!page) return false
      const encoding = encodingFor(request)
      const body = await ENCODERS[encoding](page)
      response.writeHead(200, { ...PAGE_HEADERS, ...bodyHeaders(encoding, body) }).end(body)
      return true
    },
    asset(path) {
      const [, name, extension = ''] = ASSET.exec(path) ?? []
      if (name === undefined) return undefined
      return async (request, response) => {
        const encoding = COMPRESSED_TYPES.has(extension) ? encodingFor(request) : 'identity'
        const body = await encoded(name, encoding).catch(() => undefined)
        if (!body) return sendError(response, 404, `no asset ${name}; it may be of another build: reload the page`)
        const type = { 'Content-Type': TYPES[extension] ?? 'application/octet-stream' }
        response.writeHead(200, { ...ASSET_HEADERS, ...type, ...bodyHeaders(encoding, body) }).end(body)
      }
    },
  }
}

/** Whether a person opens the address in a browser; curl and scripts accept anything and get text. */
export const wantsPage = ({ headers: { accept = '' } }: IncomingMessage): boolean => accept.includes('text/html')

function encodingFor({ headers }: IncomingMessage): Encoding {
  const accepted = String(headers['accept-encoding'] ?? '')
    .toLowerCase()
    .split(',')
    .map((each) => each.trim())
    .filter((each) => !/;\s*q=0(\.0*)?$/.test(each))
    .map((each) => each.split(';', 1)[0])
  return accepted.includes('br') ? 'br' : accepted.includes('gzip') ? 'gzip' : 'identity'
}

function bodyHeaders(encoding: Encoding, body: Buffer): Record<string, string> {
  return {
    'Content-Length': String(body.length),
    Vary: 'Accept, Accept-Encoding',
    ...(encoding !== 'identity' && { 'Content-Encoding': encoding }),
  }
}
