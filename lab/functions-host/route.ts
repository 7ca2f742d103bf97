/** One segment of a route template. */
export type Segment =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'parameter'; readonly name: string; readonly optional: boolean }

/**
 * Reads a route template: literals, `{name}` and a final `{name?}`. Other features of ASP.NET are refused by name, because
 * a template that matches differently than in Azure would hide a fault.
 * @throws Error naming the template and the feature
 */
export function parseRoute(template: string): readonly Segment[] {
  const parts = template.replace(/^\/+|\/+$/g, '').split('/')
  if (parts.length === 1 && parts[0] === '') return []
  return parts.map((part, index) => {
    const refuse = (feature: string): never => {
      throw new Error(`route "${template}": ${feature} not supported by this host`)
    }
    if (part === '') return refuse('an empty segment is')
    if (!/[{}]/.test(part)) return { kind: 'literal', text: part }
    if (/^\{\*/.test(part)) return refuse(`the catch-all ${part} is`)
    const inner = /^\{([^{}]*)\}$/.exec(part)?.[1]
    if (inner === undefined) return refuse(`the mixed segment ${part} is`)
    if (inner.includes('=')) return refuse(`the default value in ${part} is`)
    if (inner.includes(':')) return refuse(`the constraint in ${part} is`)
    const name = inner.replace(/\?$/, '')
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return refuse(`the parameter name in ${part} is`)
    const optional = inner.endsWith('?')
    if (optional && index < parts.length - 1) return refuse(`${part} before the last segment is`)
    return { kind: 'parameter', name, optional }
  })
}

/**
 * Splits a request path like the host: percent-decoded except `%2F`, dot segments removed, one trailing slash ignored.
 * @param path begins with `/`, without the query
 * @returns undefined for a path that Kestrel refuses (a NUL character)
 */
export function pathSegments(path: string): readonly string[] | undefined {
  const segments: string[] = []
  for (const raw of path.slice(1).split('/')) {
    const text = decode(raw)
    if (text.includes('\0')) return undefined
    if (text === '..') segments.pop()
    else if (text !== '.') segments.push(text)
  }
  if (segments.at(-1) === '') segments.pop()
  return segments
}

const decode = (segment: string): string =>
  segment
    .split(/(%2f)/i)
    .map((part) => {
      try {
        return /^%2f$/i.test(part) ? part : decodeURIComponent(part)
      } catch {
        return part // Kestrel does not decode invalid UTF-8
      }
    })
    .join('')

/** @returns the parameters without missing optional ones; undefined when the path does not match */
export function matchRoute(
  template: readonly Segment[],
  path: readonly string[],
): Readonly<Record<string, string>> | undefined {
  if (path.length > template.length) return undefined
  const params: Record<string, string> = {}
  for (const [index, segment] of template.entries()) {
    const text = path[index]
    if (segment.kind === 'literal') {
      if (text?.toUpperCase() !== segment.text.toUpperCase()) return undefined
    } else if (text === undefined) {
      if (!segment.optional) return undefined
    } else if (text === '') return undefined
    else params[segment.name] = text
  }
  return params
}

/** @returns whether a path can match both; then the order of the function names decides */
export function routesOverlap(a: readonly Segment[], b: readonly Segment[]): boolean {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a]
  return long.every((segment, index) => {
    const other = short[index]
    if (other === undefined) return segment.kind === 'parameter' && segment.optional
    if (other.kind === 'parameter' || segment.kind === 'parameter') return true
    return other.text.toUpperCase() === segment.text.toUpperCase()
  })
}
