/**
 * Puts an app's settings into the process environment.
 * @param strong settings that replace existing ones
 * @param weak settings that yield to existing ones, as with Core Tools
 * @returns a function that restores the environment
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
