import { BlockList, isIPv4, isIPv6, type Socket } from 'node:net'

/** The addresses reserved for DOCUMENTATION. @see RFC 5737, RFC 3849 */
const DOCUMENTATION = { ipv4: new BlockList(), ipv6: new BlockList() }
DOCUMENTATION.ipv4.addSubnet('192.0.2.0', 24, 'ipv4')
DOCUMENTATION.ipv4.addSubnet('198.51.100.0', 24, 'ipv4')
DOCUMENTATION.ipv4.addSubnet('203.0.113.0', 24, 'ipv4')
DOCUMENTATION.ipv6.addSubnet('2001:db8::', 32, 'ipv6')

const LOOPBACK = { ipv4: new BlockList(), ipv6: new BlockList() }
LOOPBACK.ipv4.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.ipv6.addAddress('::1', 'ipv6')

/** The header in which a simulated client of the lab gives its address; the edge reads and removes it. */
export const CLIENT_IP_HEADER = 'x-lab-client-ip'

export type ClientAddress =
  | { readonly kind: 'known'; readonly ip: string; readonly port: number }
  | { readonly kind: 'refused'; readonly reason: string }

/**
 * The address of a client: the peer's, or the one that a simulated client chose.
 * @param chosen the value of X-Lab-Client-Ip, if any
 */
export function clientAddress(
  socket: Pick<Socket, 'remoteAddress' | 'remotePort'>,
  chosen: string | undefined,
): ClientAddress {
  const peer = (socket.remoteAddress ?? '').replace(/^::ffff:/, '')
  const port = socket.remotePort ?? 0
  if (chosen === undefined) return { kind: 'known', ip: peer, port }
  if (!isIn(LOOPBACK, peer)) return refused('is accepted from loopback only')
  if (!isIn(DOCUMENTATION, chosen)) {
    return refused('must be one address of 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24 or 2001:db8::/32')
  }
  return { kind: 'known', ip: canonical(chosen), port }
}

/** The form of Azure: `203.0.113.9:50123`, `[2001:db8::1]:50123`. */
export function withPort({ ip, port }: { ip: string; port: number }): string {
  return isIPv6(ip) ? `[${ip}]:${port}` : `${ip}:${port}`
}

function refused(why: string): ClientAddress {
  return { kind: 'refused', reason: `X-Lab-Client-Ip ${why}` }
}

/** Each family has its own list, because one list would also match `::ffff:203.0.113.9`. */
function isIn(list: { ipv4: BlockList; ipv6: BlockList }, text: string): boolean {
  if (isIPv4(text)) return list.ipv4.check(text, 'ipv4')
  // An address on the wire has no zone (`%eth0`).
  return isIPv6(text) && !text.includes('%') && list.ipv6.check(text, 'ipv6')
}

/** The canonical spelling of an IPv6 address, which platforms use. @see RFC 5952 */
function canonical(ip: string): string {
  return isIPv6(ip) ? new URL(`http://[${ip}]`).hostname.slice(1, -1) : ip
}
