/** The answer to the browser of a test, with its body. */
export interface Page {
  status: number
  headers: Headers
  text: string
  location: string | null
}

export interface Visitor {
  jar: Map<string, string>
  /** @throws if the browser has no such cookie */
  cookie(name: string): string
  get(path: string, headers?: Record<string, string>): Promise<Page>
  post(path: string, fields?: Record<string, string>, headers?: Record<string, string>): Promise<Page>
}

export const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0'
export const SAFARI =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/605.1.15'

/** A browser as web sees it: it keeps cookies, names its device and says where a form comes from. */
export function createVisitor(origin: string, { userAgent = FIREFOX, ip = '203.0.113.7' } = {}): Visitor {
  const jar = new Map<string, string>()
  const send = async (method: string, path: string, headers: Record<string, string>, body?: URLSearchParams) => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(origin + path, {
      method,
      redirect: 'manual',
      headers: {
        'user-agent': userAgent,
        'x-forwarded-for': ip,
        accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
        ...(cookie && { cookie }),
        ...headers,
      },
      ...(body && { body }),
    })
    for (const line of response.headers.getSetCookie()) keep(jar, line)
    const { status } = response
    return {
      status,
      headers: response.headers,
      text: await response.text(),
      location: response.headers.get('location'),
    }
  }
  return {
    jar,
    cookie(name) {
      const value = jar.get(name)
      if (value === undefined) throw new Error(`the browser has no cookie "${name}"`)
      return value
    },
    get: (path, headers = {}) => send('GET', path, headers),
    post: (path, fields = {}, headers = {}) =>
      send('POST', path, { 'sec-fetch-site': 'same-origin', ...headers }, new URLSearchParams(fields)),
  }
}

function keep(jar: Map<string, string>, line: string): void {
  const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
  if (value === '' || /;\s*Max-Age=0(;|$)/i.test(line)) jar.delete(name)
  else jar.set(name, value)
}
