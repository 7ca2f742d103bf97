import { MonitorError } from 'alertproof'
import { type Command, paint, readArguments, UsageError, wholeNumber } from 'alertproof/cli'
import { loadDetections } from '../../detections/harness.ts'
import { plant } from '../../proof/planted/ways.ts'

const USAGE = `Usage: npm run planted [-- EVENTS]

Makes a log of EVENTS events (default 500000) with planted attacks and near misses for every detection. Replays it in
order, in another order of arrival within the lateness, and cut in two and resumed. Each replay must find every planted
attack at its instant and nothing else.

Options:
  --help  this text

Exit code: 0 if every replay does, 1 if one does not, 2 for unusable arguments.

Examples:
  npm run planted
  npm run planted -- 100000
`

export const command: Command = {
  name: 'planted',
  summary: 'plant attacks and near misses in a large log and replay it in three ways',
  usage: USAGE,
  async run(argv, io) {
    const { positionals } = readArguments({ args: [...argv], allowPositionals: true })
    const [text = '500000', ...more] = positionals
    if (more.length > 0) throw new UsageError(`Unexpected argument "${more[0]}": only one number is taken.`)
    const size = wholeNumber('EVENTS', text, 1000, 9_999_999)
    const detections = await loadDetections('detections').catch((error: unknown) => {
      throw error instanceof MonitorError ? new UsageError(error.message) : error
    })
    const { events, attacks, ways } = plant(detections, size)
    io.out(`${events} events, ${attacks} planted attacks on ${detections.length} detections\n`)
    let ok = true
    for (const { name, holds } of ways) {
      io.signal.throwIfAborted()
      const held = await holds()
      const result = held ? 'every attack at its instant, and nothing else' : 'NOT what was planted'
      io.out(`${name}: ${paint(io, held ? 'green' : 'red', result)}\n`)
      ok &&= held
    }
    return ok ? 0 : 1
  },
}
