import { z } from 'zod'
import { DEFAULT_PAYLOAD, type PayloadValues, substitute } from './payload.ts'

const headersText = z.string().transform((text, context) => {
  try {
    return z.record(z.string(), z.string()).parse(JSON.parse(text))
  } catch {
    context.addIssue({ code: 'custom', message: 'custom_headers is not the text of a JSON object of strings' })
    return z.NEVER
  }
})

/** As `POST /api/v1/integration/webhooks/configuration/webhooks` takes it. */
const WebhookFile = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9_.-]+$/),
  url: z.string().min(1),
  payload: z.string().nullish(),
  custom_headers: headersText.nullish(),
  encode_as: z.enum(['json', 'form']).default('json'),
})

export interface Webhook {
  name: string
  url: string
  payload: string
  headers: Record<string, string>
  encodeAs: 'json' | 'form'
}

/**
 * Reads one `webhook.json`.
 * @param file named in the error
 * @throws Error naming the file and every fault in it
 */
export function parseWebhook(text: string, file: string): Webhook {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw new Error(`${file} is not JSON: ${(error as Error).message}`)
  }
  const result = WebhookFile.safeParse(json)
  if (!result.success) throw new Error(`${file} is not a webhook:\n${z.prettifyError(result.error)}`)
  const { name, url, payload, custom_headers, encode_as } = result.data
  return { name, url, payload: payload ?? DEFAULT_PAYLOAD, headers: custom_headers ?? {}, encodeAs: encode_as }
}

export interface RenderedRequest {
  url: string
  headers: Record<string, string>
  body: string
}

/** Fills URL, headers and payload of a webhook, raw in all three. */
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

/** Decision `broken-form`, undocumented: a payload that its values broke goes out whole in a field `payload`, else one field per root key. */
function formOf(payload: string): string {
  try {
    const form = new URLSearchParams()
    for (const [name, value] of Object.entries(JSON.parse(payload) as object)) {
      form.append(name, typeof value === 'string' ? value : JSON.stringify(value))
    }
    return form.toString()
  } catch {
    return new URLSearchParams({ payload }).toString()
  }
}
