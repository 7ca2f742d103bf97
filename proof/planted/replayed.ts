import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Monitor, Transition } from 'alertproof'
import { readState, replayStream, writeState } from 'alertproof/replay'
import { type Expected, inOrder } from './planted-log.ts'

/** The planted edges are those of evaluation at each event. */
const options = { live: true }

/** Replays a log in parts, each from the state file that the part before it left. @returns the changes of state that it finds */
export async function replayed(
  monitors: readonly Monitor[],
  parts: readonly (readonly { readonly line: string }[])[],
  threads = 1,
): Promise<Expected[]> {
  const transitions: Transition[] = []
  const visitor = {
    transition: (transition: Transition) => transitions.push(transition),
    malformed(place: string, reason: string) {
      throw new Error(`${place} ${reason}`)
    },
  }
  const dir = await mkdtemp(join(tmpdir(), 'planted-'))
  const file = join(dir, 'state.json')
  try {
    for (const [i, part] of parts.entries()) {
      const isLast = i === parts.length - 1
      const { dropped } = await replayStream(chunks(part), monitors, options, visitor, {
        threads,
        resume: await readState(file, monitors, options),
        pause: isLast ? undefined : (state) => writeState(file, monitors, options, state),
      })
      if (dropped > 0) throw new Error(`${dropped} events came too late`)
    }
  } finally {
    await rm(dir, { recursive: true })
  }
  return transitions
    .map(({ at, monitor, transition, group, value }) => {
      return { at, monitor: monitor.slug, transition: transition as Expected['transition'], group, value }
    })
    .sort(inOrder)
}

async function* chunks(events: readonly { readonly line: string }[]): AsyncGenerator<Buffer> {
  const each = 1000
  for (let at = 0; at < events.length; at += each) {
    const lines = events.slice(at, at + each).map(({ line }) => `${line}\n`)
    yield Buffer.from(lines.join(''))
  }
}
