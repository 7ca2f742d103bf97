const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/** The headers by which a browser says which page caused a request. A page can change neither of them. */
export interface BrowserMarks {
  method: string
  /** `Sec-Fetch-Site` */
  fetchSite: string | undefined
  origin: string | undefined
}

/** How a host recognises its own site. */
export interface OwnSite {
  /** Values of `Sec-Fetch-Site` that exclude another site. */
  fetchSites: readonly string[]
  isOwnOrigin: (origin: string) => boolean
}

/**
 * Whether a page of another site may have caused this request. Every current browser sends Sec-Fetch-Site, and older
 * ones send an Origin with a POST. A request with neither header does not come from a browser, so it carries only its
 * own cookies. It is accepted: refusing it would only hide password guessing from the detections. Both hosts check
 * this before they read anything else: a page must not cause an event with the address of its visitor.
 * @see https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
 */
export function isCrossSite({ method, fetchSite, origin }: BrowserMarks, own: OwnSite): boolean {
  if (SAFE_METHODS.has(method)) return false
  if (fetchSite !== undefined) return !own.fetchSites.includes(fetchSite)
  return origin !== undefined && !own.isOwnOrigin(origin)
}

/**
 * The site of web. Only its own pages may post forms, so a POST that no page caused (`none`) is refused. In the lab
 * `localhost`, `127.0.0.1` and `[::1]` are one site, because people type any of them.
 */
export const webSite = ({ webOrigin, lab }: { webOrigin: string; lab: boolean }): OwnSite => ({
  fetchSites: ['same-origin'],
  isOwnOrigin: (origin) => origin === webOrigin || (lab && isSameLoopback(origin, webOrigin)),
})

function isSameLoopback(origin: string, webOrigin: string): boolean {
  if (!URL.canParse(origin)) return false
  const [theirs, ours] = [new URL(origin), new URL(webOrigin)]
  const sameSchemeAndPort = theirs.protocol === ours.protocol && theirs.port === ours.port
  return theirs.origin === origin && sameSchemeAndPort && LOOPBACK.has(theirs.hostname) && LOOPBACK.has(ours.hostname)
}

/** The site of functions. It serves no page, so no Origin is its own. `none` is a tool of a person in a browser. */
export const FUNCTIONS_SITE: OwnSite = { fetchSites: ['same-origin', 'none'], isOwnOrigin: () => false }
