import { BlockList as AddressSet, isIPv4, isIPv6 } from 'node:net'

/** The address of a request whose platform appended none. Only a host without a front end has such requests. */
export const UNKNOWN_ADDRESS = '0.0.0.0'

/**
 * The address of the client: the last entry of `X-Forwarded-For`, which our platform appended. The client may have
 * typed everything before it. Heroku appends `ip`, Azure `ip:port` and `[ipv6]:port`.
 * @returns the normal form: IPv6 compressed and lower-case, an IPv4-mapped address as IPv4
 */
export function clientAddress(forwardedFor: string | undefined | null): string {
  const hop = forwardedFor?.split(',').at(-1)?.trim()
  if (!hop) return UNKNOWN_ADDRESS
  const bracketed = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(hop)
  const withPort = /^(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}$/.exec(hop)
  return normalizeAddress(bracketed?.[1] ?? withPort?.[1] ?? hop) ?? UNKNOWN_ADDRESS
}

/** @returns the normal form of an address; undefined if the text is not an address or has a zone id */
export function normalizeAddress(text: string): string | undefined {
  if (isIPv4(text)) return text
  if (!isIPv6(text) || text.includes('%')) return undefined
  const compressed = new URL(`http://[${text}]/`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(compressed)
  if (!mapped) return compressed
  const [high, low] = [Number.parseInt(mapped[1] ?? '', 16), Number.parseInt(mapped[2] ?? '', 16)]
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

/** The network that one subscriber holds: an IPv4 address itself, an IPv6 address by its /64. */
export function networkOf(address: string): string {
  // Most addresses are IPv4, and the test for IPv6 is a long expression.
  if (!address.includes(':') || !isIPv6(address)) return address
  const [written = groupsOf(address).slice(0, 4).join(':')] = FOUR_GROUPS.exec(address) ?? []
  return `${written}::/64`
}

/** The first four groups of an IPv6 address that omits none of them. */
const FOUR_GROUPS = /^(?:[0-9a-f]+:){3}[0-9a-f]+/

/**
 * The site that contains a network: an IPv6 site gets up to a /48, which has 65,536 networks.
 * @param network as {@link networkOf} writes it @see RFC 6177 2
 */
export const siteOf = (network: string): string =>
  network.endsWith('/64') ? `${network.split(':').slice(0, 3).join(':')}::/48` : network

/**
 * The range that one customer of a provider gets at almost no cost: an IPv4 /24, an IPv6 /48.
 * @param network as {@link networkOf} writes it
 */
export const neighbourhoodOf = (network: string): string =>
  isIPv4(network) ? `${network.split('.').slice(0, 3).join('.')}.0/24` : siteOf(network)

/** @param address an IPv6 address in normal form @returns its eight groups of hex digits */
export function groupsOf(address: string): string[] {
  const [head = '', tail = ''] = address.split('::')
  const left = head ? head.split(':') : []
  const right = tail ? tail.split(':') : []
  return address.includes('::') ? [...left, ...Array(8 - left.length - right.length).fill('0'), ...right] : left
}

/**
 * Reads exactly the spelling of {@link networkOf}: an IPv4 address, or the /64 of an IPv6 address.
 * @returns the first address of the network in normal form; undefined for any other text
 */
export function baseOfNetwork(network: string): string | undefined {
  const base = normalizeAddress(network.replace(/\/64$/, ''))
  return base !== undefined && networkOf(base) === network ? base : undefined
}

/** The address fields of an event. @param ip in normal form */
export const addressFields = (ip: string): { ip: string; network: string } => ({ ip, network: networkOf(ip) })

/**
 * @param ranges CIDR blocks
 * @returns whether an address in normal form lies in one of the ranges. Each family has its own set: a BlockList of
 * both treats an IPv4 address as IPv4-mapped, so `::/3` would contain all of IPv4
 */
export function inRanges(ranges: readonly string[]): (ip: string) => boolean {
  const sets = { ipv4: new AddressSet(), ipv6: new AddressSet() }
  for (const range of ranges) {
    const [network = '', bits] = range.split('/')
    const family = familyOf(network)
    sets[family].addSubnet(network, Number(bits), family)
  }
  return (ip) => sets[familyOf(ip)].check(ip, familyOf(ip))
}

const familyOf = (ip: string) => (isIPv6(ip) ? 'ipv6' : 'ipv4')
