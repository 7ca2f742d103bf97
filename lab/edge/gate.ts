const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]']

/**
 * Whether a request may enter the lab at all. A page of some other site, open in the same browser, must reach none of
 * its ports, neither by a form (Origin) nor by a name that it lets point to 127.0.0.1 (Host).
 * @param port the port the edge listens on: the only one its Host may name
 * @param origins further origins that may call, beside those of loopback
 * @returns why not, or undefined
 */
export function refusal(
  headers: { host?: string | undefined; origin?: string | undefined },
  port: number,
  origins: readonly string[] = [],
): string | undefined {
  if (!isOwnHost(headers.host, port)) return 'Host is not this lab: use localhost or 127.0.0.1 with its port'
  const { origin } = headers
  if (origin !== undefined && !origins.includes(origin) && !isLoopbackOrigin(origin)) {
    return 'Origin is not of this lab'
  }
  return undefined
}

function isOwnHost(host: string | undefined, port: number): boolean {
  const lower = host?.toLowerCase()
  return LOOPBACK_NAMES.some((name) => lower === `${name}:${port}` || (port === 80 && lower === name))
}

function isLoopbackOrigin(origin: string): boolean {
  const [, name] = /^https?:\/\/([^/:]+|\[[^\]]*\])(?::\d{1,5})?$/.exec(origin) ?? []
  return name !== undefined && LOOPBACK_NAMES.includes(name)
}
