/** Headers as received: original spelling, repeated ones separate. */
export type HeaderList = readonly (readonly [name: string, value: string])[]

/** Headers that concern one connection only. @see RFC 9110, 7.6.1 */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'te',
  'trailer',
  'upgrade',
])
/** Headers that Connection must not remove, because they define the message. */
const FRAMING = new Set(['content-length', 'transfer-encoding', 'host'])

/** @param raw `message.rawHeaders` of Node: name, value, name, value … */
export function headerList(raw: readonly string[]): HeaderList {
  const list: [string, string][] = []
  const rest = raw.values()
  for (const name of rest) {
    const value = rest.next()
    if (value.done !== true) list.push([name, value.value])
  }
  return list
}

/** All values of one header, joined by commas; undefined if it is absent. */
export function headerValue(list: HeaderList, name: string): string | undefined {
  const values = list.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value)
  return values.length > 0 ? values.join(', ') : undefined
}

/** The list without these headers (lower case). */
export function without(list: HeaderList, names: ReadonlySet<string> | readonly string[]): HeaderList {
  const dropped = new Set(names)
  return list.filter(([name]) => !dropped.has(name.toLowerCase()))
}

/** The headers for the next hop, without those of this connection. */
export function endToEnd(list: HeaderList): HeaderList {
  const named = (headerValue(list, 'connection') ?? '').toLowerCase().split(',')
  const dropped = new Set([...HOP_BY_HOP, ...named.map((name) => name.trim()).filter((name) => !FRAMING.has(name))])
  return without(list, dropped)
}
