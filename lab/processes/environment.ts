/** What any program needs to run at all; the rest of the caller's environment stays with the caller. */
const BASICS = ['PATH', 'HOME', 'TMPDIR', 'TEMP', 'TMP', 'LANG', 'LC_ALL', 'TZ', 'SYSTEMROOT', 'USERPROFILE']

/** A child's whole environment: the basics and what it is given, nothing inherited by accident. */
export function childEnvironment(given: Readonly<Record<string, string | undefined>> = {}): Record<string, string> {
  const result: Record<string, string> = {}
  for (const name of BASICS) {
    const value = process.env[name]
    if (value !== undefined) result[name] = value
  }
  for (const [name, value] of Object.entries(given)) if (value !== undefined) result[name] = value
  return result
}
