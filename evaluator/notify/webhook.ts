import { z } from 'zod'
import { DEFAULT_PAYLOAD, type PayloadValues, substitute } from './payload.ts'

const HeadersText = z.string().transform((text, context) => {
  try {
    return z.record(z.string(), z.string()).parse(JSON.parse(text))
  } catch {
    context.addIssue({ code: 'custom', message: 'custom_headers must be the text of a JSON object of strings' })
    return z.NEVER
  }
})

/** The body of `POST /api/v1/integration/webhooks/configuration/webhooks`. */
const WebhookFile = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9_.-]+$/),
  url: z.string().min(1),
  payload: z.string().nullish(),
  custom_headers: HeadersText.nullish(),
  encode_as: z.enum(['json', 'form']).default('json'),
})

/** A webhook of the account. */
export interface Webhook {
  name: string
  url: string
  payload: string
  headers: Record<string, string>
  encodeAs: 'json' | 'form'
}

/**
 * Reads a webhook from JSON.
 * @param file the name of the file for the error
 * @throws Error naming the file and every fault in it
 */
export function parseWebhook(text: string, file: string): Webhook {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw new Error(`${file} is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  const result = WebhookFile.safeParse(json)
  if (!result.success) throw new Error(`${file} is not a webhook:\n${z.prettifyError(result.error)}`)
  const { name, url, payload, custom_headers, encode_as } = result.data
  return { name, url, payload: payload ?? DEFAULT_PAYLOAD, headers: custom_headers ?? {}, encodeAs: encode_as }
}

/** The request of one delivery. */
export interface RenderedRequest {
  url: string
  headers: Record<string, string>
  body: string
}

/** Replaces the names in the URL, the headers and the payload of a webhook, without escaping. */
export function renderRequest(webhook: Webhook, values: PayloadValues): RenderedRequest {
  const payload = substitute(webhook.payload, values)
  const asForm = webhook.encodeAs === 'form'
  const custom = Object.entries(webhook.headers).map(([name, value]) => [name, substitute(value, values)])
  return {
    url: substitute(webhook.url, values),
    headers: {
      'Content-Type': asForm ? 'application/x-www-form-urlencoded' : 'application/json',
      ...Object.fromEntries(custom),
    },
    body: asForm ? formOf(payload) : payload,
  }
}

/** Decision `broken-form`, undocumented: the form has one field per root key of the payload. A payload that is not JSON is sent whole in a field `payload`. */
function formOf(payload: string): string {
  try {
    const form = new URLSearchParams()
    const fields: Record<string, unknown> = JSON.parse(payload)
    for (const [name, value] of Object.entries(fields)) {
      form.append(name, typeof value === 'string' ? value : JSON.stringify(value))
    }
    return form.toString()
  } catch {
    return new URLSearchParams({ payload }).toString()
  }
}
