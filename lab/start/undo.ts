/** The steps that stop what was started, carried out in reverse order. */
export interface Undo {
  push(name: string, step: () => Promise<unknown> | unknown): void
  /** Runs every step once, even if another one fails; safe to call twice. */
  run(): Promise<void>
}

/** @param log called for each failed step */
export function createUndo(log: (text: string) => void): Undo {
  const steps: { name: string; step: () => Promise<unknown> | unknown }[] = []
  let running: Promise<void> | undefined
  async function runAll(): Promise<void> {
    for (let next = steps.pop(); next; next = steps.pop()) {
      try {
        await next.step()
      } catch (error) {
        log(`${next.name} did not stop cleanly: ${error instanceof Error ? error.message : error}`)
      }
    }
  }
  return {
    push: (name, step) => void steps.push({ name, step }),
    run() {
      running ??= runAll()
      return running
    },
  }
}
