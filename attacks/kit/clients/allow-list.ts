/** A target that was not explicitly allowed. */
export class TargetRefused extends Error {
  override readonly name = 'TargetRefused'
}

/**
 * Refuses every host other than this machine unless it is allowed by name, so that a typing mistake cannot direct an attack
 * at somebody else.
 * @param allowed host names, without scheme and port
 * @returns the origin
 * @throws TargetRefused with the reason and the option that allows the host
 */
export function allowedOrigin(baseUrl: string, allowed: readonly string[]): string {
  if (!URL.canParse(baseUrl)) throw new TargetRefused(`${JSON.stringify(baseUrl)} is not a URL`)
  const url = new URL(baseUrl)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new TargetRefused(`${url.protocol} is not supported: use http: or https:`)
  }
  if (url.username !== '' || url.password !== '' || url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw new TargetRefused(`${url.origin} must not have a user, path, query or fragment`)
  }
  const host = url.hostname
  if (isLoopback(host) || allowed.some((name) => name.trim().toLowerCase() === host)) return url.origin
  throw new TargetRefused(`${host} is not this machine. If you may attack it, allow it: --allow-host ${host}`)
}

/** Checks the literal name only, because its resolution can change between the check and the request. */
const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)

/** @param env `ATO_ATTACK_ALLOW_HOSTS`, comma-separated */
export const allowedHosts = (named: readonly string[], env: string | undefined): string[] =>
  [...named, ...(env?.split(',') ?? [])].map((host) => host.trim()).filter((host) => host !== '')
