import { isDeepStrictEqual } from 'node:util'
import { loadDetections } from '../../detections/harness.ts'
import { found } from './found.ts'
import { delayed, plantedLog } from './planted-log.ts'

const usage = `Usage: npm run planted [-- EVENTS]

Makes a log of EVENTS events (default 500,000) with planted attacks and near misses for every detection, and replays it
in order, in another order of arrival within the lateness, and cut in two and resumed. Each must find every planted
attack at its instant and nothing else.

Exit code: 0 when all of them do, 1 when one does not, 2 when the number is none.
`

const latenessMs = 60_000

process.exitCode = await main(process.argv.slice(2))

async function main([text = '500000', ...more]: readonly string[]): Promise<number> {
  if (text === '--help') {
    process.stdout.write(usage)
    return 0
  }
  if (!/^\d{4,7}$/.test(text) || more.length > 0) {
    process.stderr.write(`${[text, ...more].join(' ')}: must be one number from 1000 to 9999999\n\n${usage}`)
    return 2
  }
  const detections = await loadDetections('detections')
  const monitors = detections.map(({ monitor }) => monitor)
  const { events, expected } = plantedLog(detections, Number(text))
  const late = delayed(events, latenessMs)
  const cut = Math.floor(late.length / 3)
  const alerts = expected.filter(({ transition }) => transition === 'Triggered').length
  process.stdout.write(`${events.length} events, ${alerts} planted attacks on ${monitors.length} detections\n`)
  const ways = {
    'in order': [events],
    'in another order': [late],
    'cut in two and resumed': [late.slice(0, cut), late.slice(cut)],
  }
  let ok = true
  for (const [way, parts] of Object.entries(ways)) {
    const holds = isDeepStrictEqual(await found(monitors, parts), expected)
    process.stdout.write(
      `${way}: ${holds ? 'every attack at its instant, and nothing else' : 'NOT what was planted'}\n`,
    )
    ok &&= holds
  }
  return ok ? 0 : 1
}
