import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type SpawnedHost, type SpawnOptions, spawnFunctionsHost } from '../spawn.ts'

/** A function app in its own folder. */
export interface TestApp {
  readonly root: string
  remove(): Promise<void>
}

/**
 * Writes an app into a temporary folder, where this repository's packages are found.
 * @param code CommonJS, with `app` of the library in scope
 * @param files further files, or replacements of host.json, package.json and app.cjs
 */
export async function writeApp(code: string, files: Readonly<Record<string, string>> = {}): Promise<TestApp> {
  const root = await mkdtemp(join(tmpdir(), 'functions-host-'))
  await symlink(fileURLToPath(new URL('../../../node_modules', import.meta.url)), join(root, 'node_modules'))
  const all = {
    'host.json': '{ "version": "2.0" }',
    'package.json': '{ "main": "app.cjs" }',
    'app.cjs': `const { app } = require('@azure/functions')\n${code}\n`,
    ...files,
  }
  for (const [name, text] of Object.entries(all)) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), text)
  }
  return { root, remove: () => rm(root, { recursive: true, force: true }) }
}

/** A running host with its output so far. */
export interface TestHost extends SpawnedHost {
  stdout(): string
  stderr(): string
}

export async function spawnApp(app: TestApp, options: Partial<SpawnOptions> = {}): Promise<TestHost> {
  let out = ''
  let err = ''
  const host = await spawnFunctionsHost({
    root: app.root,
    onStdout: (chunk) => {
      out += chunk
    },
    onStderr: (chunk) => {
      err += chunk
    },
    ...options,
  })
  return { ...host, stdout: () => out, stderr: () => err }
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly text: string
  json(): unknown
}

export interface Ask {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: string
  /** Sends the body without Content-Length. */
  readonly chunked?: boolean
}

/** Sends one request without normalizing its path. */
export function ask(
  url: string,
  path: string,
  { method = 'GET', headers = {}, body, chunked }: Ask = {},
): Promise<Answer> {
  return new Promise((done, fail) => {
    const { hostname, port } = new URL(url)
    const length = body !== undefined && !chunked ? { 'content-length': String(Buffer.byteLength(body)) } : {}
    const sent = httpRequest({ hostname, port, path, method, headers: { ...length, ...headers }, agent: false })
    sent.once('error', fail)
    sent.once('response', (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.once('error', fail)
      response.once('end', () =>
        done({
          status: response.statusCode ?? 0,
          headers: response.headers,
          rawHeaders: response.rawHeaders,
          text,
          json: () => JSON.parse(text),
        }),
      )
    })
    if (chunked) {
      sent.setHeader('transfer-encoding', 'chunked')
      sent.write(body ?? '')
      sent.end()
    } else sent.end(body)
  })
}

/** Polls for a state that no event reports, such as a line on another process's stdout. */
export async function until<T>(look: () => T | undefined | false, what: string, timeoutMs = 10_000): Promise<T> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const found = look()
    if (found !== undefined && found !== false) return found
    if (Date.now() > deadline) throw new Error(`Not within ${timeoutMs} ms: ${what}`)
    await new Promise((next) => setTimeout(next, 20))
  }
}
