/** An answer that is not a success, with the detail that the server gave. */
class RequestError extends Error {
  override readonly name = 'RequestError'
  readonly status: number
  constructor(status: number, detail: string) {
    super(detail)
    this.status = status
  }
}

/** @throws RequestError; Error when the lab does not answer */
export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  return read(await reach(path, { headers: { accept: 'application/json' }, ...(signal && { signal }) }))
}

export async function getText(path: string, signal?: AbortSignal): Promise<string> {
  const response = await reach(path, signal ? { signal } : {})
  if (!response.ok) throw await failureOf(response)
  return response.text()
}

/** @param body left out of a DELETE @throws RequestError; Error when the lab does not answer */
export async function sendJson<T>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<T> {
  const headers = { accept: 'application/json', 'content-type': 'application/json' }
  return read(await reach(path, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) }))
}

async function reach(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, init)
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new Error('The lab does not answer. Is `npm start` still running?', { cause: error })
  }
}

async function read<T>(response: Response): Promise<T> {
  if (!response.ok) throw await failureOf(response)
  if (response.status === 204) return undefined as T
  return response.json()
}

interface Refusal {
  error?: string
  errors?: { detail?: string; title?: string }[]
}

async function failureOf(response: Response): Promise<RequestError> {
  const text = await response.text()
  const detail = detailOf(text) ?? `The lab answered ${response.status}.`
  return new RequestError(response.status, detail)
}

function detailOf(text: string): string | undefined {
  try {
    const { error, errors }: Refusal = JSON.parse(text)
    return error ?? errors?.[0]?.detail ?? errors?.[0]?.title
  } catch {
    return undefined
  }
}
