/** What was started, in order, so that it can be stopped in the opposite one. */
export interface Undo {
  push(name: string, step: () => Promise<unknown> | unknown): void
  /** Runs every step, whatever the others do; once, however often it is called. */
  run(): Promise<void>
}

/** @param log told of a step that failed */
export function createUndo(log: (text: string) => void): Undo {
  const steps: { name: string; step: () => Promise<unknown> | unknown }[] = []
  let running: Promise<void> | undefined
  async function runAll(): Promise<void> {
    for (let next = steps.pop(); next; next = steps.pop()) {
      try {
        await next.step()
      } catch (error) {
        log(`${next.name} did not stop cleanly: ${(error as Error).message}`)
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
