/** A target that nobody has explicitly allowed. */
export class TargetRefused extends Error {
  override readonly name = 'TargetRefused'
}

/**
 * Refuses whatever is not this machine, unless its host is named: these are attack tools, and a typing mistake must not
 * point them at somebody.
 * @param allowed host names, without scheme and port
 * @returns the origin
 * @throws TargetRefused saying why, and what would allow it
 */
export function allowedOrigin(baseUrl: string, allowed: readonly string[]): string {
  if (!URL.canParse(baseUrl)) throw new TargetRefused(`${JSON.stringify(baseUrl)} is not a URL`)
  const url = new URL(baseUrl)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new TargetRefused(`${url.protocol} is neither http: nor https:`)
  }
  if (url.username !== '' || url.password !== '' || url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw new TargetRefused(`${url.origin} is all that may be named: no user, path, query or fragment`)
  }
  const host = url.hostname
  if (isLoopback(host) || allowed.some((name) => name.trim().toLowerCase() === host)) return url.origin
  throw new TargetRefused(
    `${host} is not this machine. Attack only what is yours to attack; if it is, name it: --allow-host ${host}`,
  )
}

/** By its literal name: what a name resolves to can change between the check and the request. */
const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)

/** @param env `ATO_ATTACK_ALLOW_HOSTS`, comma-separated */
export const allowedHosts = (named: readonly string[], env: string | undefined): string[] =>
  [...named, ...(env?.split(',') ?? [])].map((host) => host.trim()).filter((host) => host !== '')
