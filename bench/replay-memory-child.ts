import { join } from 'node:path'
import { loadMonitors } from '../evaluator/monitor/monitor.ts'
import { replayStream } from '../evaluator/replay/replay-stream.ts'

const monitors = await loadMonitors(join(import.meta.dirname, '../detections'))
await replayStream(
  process.stdin,
  monitors,
  {},
  {
    transition: () => {},
    malformed(place, reason) {
      throw new Error(`${place} ${reason}`)
    },
  },
)
process.stdout.write(String(process.resourceUsage().maxRSS))
