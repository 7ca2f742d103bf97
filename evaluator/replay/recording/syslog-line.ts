/** A time of RFC 5424, which is one of ISO 8601. */
const TIMESTAMP = String.raw`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?`
const RFC_5424 = new RegExp(
  String.raw`^<(\d{1,3})>\d{1,2} (-|${TIMESTAMP}) (\S+) (\S+) (\S+) (\S+) (-(?: .*)?|\[.*)$`,
  's',
)
/** RFC 3164, with the time of ISO 8601 that rsyslog writes to files, too. PRI is left out in files. */
const RFC_3164 = new RegExp(
  String.raw`^(?:<(\d{1,3})>)?([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|${TIMESTAMP}) (\S+) ([\w./@-]+)(?:\[([^\]\s]*)\])?: ?(.*)$`,
  's',
)
const ELEMENT = /^\[([^\s=\]"]+)((?: [^\s=\]"]+="(?:[^"\\\]]|\\.)*")*)\]/
const PARAMETER = / ([^\s=\]"]+)="((?:[^"\\\]]|\\.)*)"/g

/** What a line of syslog gives, under the names that Datadog uses for a drain; undefined if it is not one. */
export function syslogEntry(line: string): Record<string, unknown> | undefined {
  const text = line.replace(/^\uFEFF/, '').trimEnd()
  const structured = RFC_5424.exec(text)
  if (structured) {
    const [, pri, timestamp, hostname, appname, procid, msgid, rest = ''] = structured
    const { elements, message } = structuredData(rest)
    return entryOf({ pri, timestamp, hostname, appname, procid, msgid }, message, elements)
  }
  const [matched, pri, timestamp, hostname, appname, procid, message = ''] = RFC_3164.exec(text) ?? []
  return matched === undefined ? undefined : entryOf({ pri, timestamp, hostname, appname, procid }, message)
}

function structuredData(text: string): { elements: Record<string, unknown>; message: string } {
  const elements: Record<string, unknown> = {}
  let rest = text.startsWith('-') ? text.slice(1) : text
  for (let found = ELEMENT.exec(rest); found; found = ELEMENT.exec(rest)) {
    const [whole, id = '', parameters = ''] = found
    const pairs = [...parameters.matchAll(PARAMETER)].map(([, name = '', value = '']) => [
      name,
      value.replace(/\\(["\\\]])/g, '$1'),
    ])
    elements[id] = Object.fromEntries(pairs)
    rest = rest.slice(whole.length)
  }
  return { elements, message: rest.replace(/^ ?\uFEFF?/, '') }
}

function entryOf(
  { pri, ...parts }: Readonly<Record<string, string | undefined>>,
  message: string,
  elements: Record<string, unknown> = {},
): Record<string, unknown> {
  const given = Object.entries(parts).filter(([, value]) => value !== undefined && value !== '-')
  const priority = pri === undefined ? {} : { facility: Number(pri) >> 3, severity: Number(pri) & 7 }
  return { message, syslog: { ...Object.fromEntries(given), ...priority }, ...elements }
}
