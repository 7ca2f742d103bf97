import { BlockList, isIPv4, isIPv6, type Socket } from 'node:net'

/** The addresses that documents and tests may use, and nobody has. @see RFC 5737, RFC 3849 */
const documentation = { ipv4: new BlockList(), ipv6: new BlockList() }
documentation.ipv4.addSubnet('192.0.2.0', 24, 'ipv4')
documentation.ipv4.addSubnet('198.51.100.0', 24, 'ipv4')
documentation.ipv4.addSubnet('203.0.113.0', 24, 'ipv4')
documentation.ipv6.addSubnet('2001:db8::', 32, 'ipv6')

const loopback = { ipv4: new BlockList(), ipv6: new BlockList() }
loopback.ipv4.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.ipv6.addAddress('::1', 'ipv6')

/** By which a simulated client of the lab says whose address it has; the edge reads it and passes it to nobody. */
export const CLIENT_IP_HEADER = 'x-lab-client-ip'

export type ClientAddress =
  | { readonly kind: 'known'; readonly ip: string; readonly port: number }
  | { readonly kind: 'refused'; readonly reason: string }

/**
 * Whose request this is: the peer's, or the one that a simulated client chose.
 * @param chosen the value of X-Lab-Client-Ip, if any
 */
export function clientAddress(
  socket: Pick<Socket, 'remoteAddress' | 'remotePort'>,
  chosen: string | undefined,
): ClientAddress {
  const peer = (socket.remoteAddress ?? '').replace(/^::ffff:/, '')
  const port = socket.remotePort ?? 0
  if (chosen === undefined) return { kind: 'known', ip: peer, port }
  if (!isIn(loopback, peer)) return refused('is accepted from loopback only')
  if (!isIn(documentation, chosen)) {
    return refused('must be one address of 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24 or 2001:db8::/32')
  }
  return { kind: 'known', ip: canonical(chosen), port }
}

/** As Azure writes it: `203.0.113.9:50123`, `[2001:db8::1]:50123`. */
export function withPort({ ip, port }: { ip: string; port: number }): string {
  return isIPv6(ip) ? `[${ip}]:${port}` : `${ip}:${port}`
}

function refused(why: string): ClientAddress {
  return { kind: 'refused', reason: `X-Lab-Client-Ip ${why}` }
}

/** Each family has a list of its own: one list would also take `::ffff:203.0.113.9` for the address inside it. */
function isIn(list: { ipv4: BlockList; ipv6: BlockList }, text: string): boolean {
  if (isIPv4(text)) return list.ipv4.check(text, 'ipv4')
  // A zone (`%eth0`) is part of no address that travels.
  return isIPv6(text) && !text.includes('%') && list.ipv6.check(text, 'ipv6')
}

/** The one spelling of an IPv6 address that a platform would write. @see RFC 5952 */
function canonical(ip: string): string {
  return isIPv6(ip) ? new URL(`http://[${ip}]`).hostname.slice(1, -1) : ip
}
