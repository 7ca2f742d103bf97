/**
 * Puts an app's settings into the process environment.
 * @param strong replace what is there
 * @param weak fill what is absent: a setting already in the environment wins, as with Core Tools
 * @returns puts the environment back
 */
export function overrideEnv(
  strong: Readonly<Record<string, string>>,
  weak: Readonly<Record<string, string>>,
): () => void {
  const before = new Map<string, string | undefined>()
  const set = (name: string, value: string) => {
    if (!before.has(name)) before.set(name, process.env[name])
    process.env[name] = value
  }
  for (const [name, value] of Object.entries(strong)) set(name, value)
  for (const [name, value] of Object.entries(weak)) if (process.env[name] === undefined) set(name, value)
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
}
