/** Variables that every program needs; no others are inherited. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'TEMP', 'TMP', 'LANG', 'LC_ALL', 'TZ', 'SYSTEMROOT', 'USERPROFILE']

/** The whole environment of a child: the inherited variables and the given ones. */
export function childEnvironment(given: Readonly<Record<string, string | undefined>> = {}): Record<string, string> {
  const result: Record<string, string> = {}
  for (const name of INHERITED) {
    const value = process.env[name]
    if (value !== undefined) result[name] = value
  }
  for (const [name, value] of Object.entries(given)) if (value !== undefined) result[name] = value
  return result
}
