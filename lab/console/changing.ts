import type { IncomingMessage, ServerResponse } from 'node:http'
import type * as z from 'zod'
import { type Handler, jsonIn, readBody, sendError } from '../datadog/http.ts'

const MAX_BYTES = 128 * 1024

/** Only JSON is accepted, because a page of another origin cannot send it without a CORS preflight. */
export const isJson = ({ headers }: IncomingMessage): boolean =>
  /^application\/json\s*(;|$)/i.test(headers['content-type'] ?? '')

/** A handler that changes something: it takes JSON of one form. */
export function changing<T>(
  form: z.ZodType<T>,
  act: (asked: T, response: ServerResponse) => void | Promise<void>,
): Handler {
  return async (request, response) => {
    if (!isJson(request)) return sendError(response, 415, 'send content-type: application/json')
    const body = await readBody(request, MAX_BYTES)
    if (!body) return sendError(response, 413, `the body is larger than ${MAX_BYTES} bytes`)
    const asked = form.safeParse(jsonIn(body.toString()))
    if (!asked.success) return sendError(response, 400, faultsOf(asked.error))
    await act(asked.data, response)
  }
}

const faultsOf = ({ issues }: z.ZodError): string =>
  issues.map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message)).join('; ')

/** @returns a whole number from `least` to `most`; undefined for any other text */
export function numberIn(text: string | null, otherwise: number, least: number, most: number): number | undefined {
  if (text === null || text === '') return otherwise
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  return number >= least && number <= most ? number : undefined
}
