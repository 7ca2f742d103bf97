import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { jsonIn, readBody, sendError, sendJson, sendText } from '../../datadog/http.ts'
import { cspRoutes } from '../csp.ts'
import { createPage } from '../page.ts'

const FOLDER = fileURLToPath(new URL('../../../dist/console', import.meta.url))

/** What a route of the fake answers: an object as JSON, a text as text, or what a function makes of the request. */
export type Answer = object | string | ((query: URLSearchParams, body: unknown) => object | string)

/** The built page over answers of a test's own, in place of a lab. */
export interface FakeConsole {
  readonly url: string
  /** By method and path, such as `GET /lab/traces`; a test may change them while it runs. */
  readonly answers: Record<string, Answer>
  /** The bodies that were sent, by method and path. */
  readonly asked: { readonly route: string; readonly query: string; readonly body: unknown }[]
  /** Sends one server-sent event to every open page. */
  emit(event: string, data: object): void
  /** How many pages read the stream. */
  readers(): number
  /** Ends the streams, as a lab that was stopped does. */
  drop(): void
  close(): Promise<void>
}

/** @param answers those of GET /lab/csp, /lab/stream and the page are built in */
export async function startFake(answers: Record<string, Answer>): Promise<FakeConsole> {
  const page = createPage(FOLDER)
  const csp = cspRoutes()
  const streams = new Set<http.ServerResponse>()
  const asked: FakeConsole['asked'] = []
  const server = http.createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
    const route = `${request.method} ${pathname}`
    if (route === 'GET /') return void (await page.send(request, response))
    const asset = page.asset(pathname)
    if (asset) return asset(request, response)
    if (route === 'GET /lab/stream') {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write(': open\n\n')
      streams.add(response)
      response.on('close', () => streams.delete(response))
      return
    }
    const report = csp[route]
    if (report) return report(request, response, searchParams)
    const answer = answers[route]
    if (answer === undefined) return sendError(response, 404, `the fake has no ${route}`)
    const body = request.method === 'GET' ? undefined : jsonIn((await readBody(request, 65_536))?.toString() ?? '')
    if (request.method !== 'GET') asked.push({ route, query: searchParams.toString(), body })
    const given = typeof answer === 'function' ? answer(searchParams, body) : answer
    if (typeof given === 'string') sendText(response, given)
    else sendJson(response, request.method === 'POST' ? 202 : 200, given)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  const drop = () => {
    for (const stream of streams) stream.end()
  }
  return {
    url: `http://127.0.0.1:${port}`,
    answers,
    asked,
    emit(event, data) {
      for (const stream of streams) stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
    },
    readers: () => streams.size,
    drop,
    async close() {
      drop()
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}
