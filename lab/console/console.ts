import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Handler, Routes } from '../datadog/http.ts'
import { sendJson } from '../datadog/http.ts'
import type { ConsoleInfo } from './api.ts'
import { cspRoutes } from './csp.ts'
import { Hub } from './hub.ts'
import { createPage, wantsPage } from './page.ts'

export interface ConsoleOptions {
  /** The folder of the built page. */
  readonly folder: string
  readonly version: string
  readonly urls: ConsoleInfo['urls']
  /** The name of the exercise that runs. */
  readonly exercise?: string
}

/** What the stand-in lends to its console. */
export interface ConsoleDeps extends ConsoleOptions {
  readonly mode: string
  readonly can: readonly string[]
}

/** The server of the console. */
export interface Console {
  /** The changes that readers of the stream get. */
  readonly hub: Hub
  /** @returns what handles a request; undefined if none of its routes does */
  route(method: string, path: string): Handler | undefined
  /** Sends the page. @returns false if the request is no browser's, or the page is not built */
  page(request: IncomingMessage, response: ServerResponse): Promise<boolean>
  close(): void
}

export function createConsole(deps: ConsoleDeps): Console {
  const { urls, mode, version, exercise = null } = deps
  const page = createPage(deps.folder)
  const hub = new Hub()
  const info: ConsoleInfo = { urls, mode, version, can: deps.can, exercise }
  const routes: Routes = {
    'GET /lab/console': (_request, response) => sendJson(response, 200, info),
    ...cspRoutes(),
  }
  return {
    hub,
    route: (method, path) =>
      Object.hasOwn(routes, `${method} ${path}`)
        ? routes[`${method} ${path}`]
        : method === 'GET'
          ? page.asset(path)
          : undefined,
    page: async (request, response) => wantsPage(request) && (await page.send(request, response)),
    close: () => hub.close(),
  }
}
