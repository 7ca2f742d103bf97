/** Headers as they came over the wire: names in their own spelling, repeated ones apart. */
export type HeaderList = readonly (readonly [name: string, value: string])[]

/** They speak about one connection, and this is another. @see RFC 9110, 7.6.1 */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'te',
  'trailer',
  'upgrade',
])
/** What Connection may not take away: without them the message would be another one. */
const FRAMING = new Set(['content-length', 'transfer-encoding', 'host'])

/** @param raw `message.rawHeaders` of Node: name, value, name, value … */
export function headerList(raw: readonly string[]): HeaderList {
  const list: [string, string][] = []
  for (let i = 0; i + 1 < raw.length; i += 2) list.push([raw[i] as string, raw[i + 1] as string])
  return list
}

/** All values of one header, joined as a list header is; undefined when there is none. */
export function headerValue(list: HeaderList, name: string): string | undefined {
  const values = list.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value)
  return values.length > 0 ? values.join(', ') : undefined
}

/** Without the headers of those names (lower case). */
export function without(list: HeaderList, names: ReadonlySet<string> | readonly string[]): HeaderList {
  const dropped = new Set(names)
  return list.filter(([name]) => !dropped.has(name.toLowerCase()))
}

/** What goes on to the next hop: all but what concerns this connection. */
export function endToEnd(list: HeaderList): HeaderList {
  const named = (headerValue(list, 'connection') ?? '').toLowerCase().split(',')
  const dropped = new Set([...HOP_BY_HOP, ...named.map((name) => name.trim()).filter((name) => !FRAMING.has(name))])
  return without(list, dropped)
}
