const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]']

/**
 * Checks whether a request may enter the lab. A page of another site in the same browser must not reach the lab's ports,
 * neither with a form (Origin) nor with a name that resolves to 127.0.0.1 (Host).
 * @param port the port of the edge, which Host must name
 * @param origins origins that may call besides those of loopback
 * @returns the reason for a refusal, or undefined
 */
export function refusal(
  headers: { host?: string | undefined; origin?: string | undefined },
  port: number,
  origins: readonly string[] = [],
): string | undefined {
  if (!isOwnHost(headers.host, port)) return 'Host is not this lab: use localhost or 127.0.0.1 with its port'
  const { origin } = headers
  if (origin !== undefined && !origins.includes(origin) && !isLoopbackOrigin(origin)) {
    return 'Origin does not belong to this lab'
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
