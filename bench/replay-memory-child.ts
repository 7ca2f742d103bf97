import { join } from 'node:path'
import { loadMonitors } from 'alertproof'
import { replayStream } from 'alertproof/replay'

const monitors = await loadMonitors(join(import.meta.dirname, '../detections'))
await replayStream(
  process.stdin,
  monitors,
  { live: true },
  {
    transition: () => {},
    malformed(place, reason) {
      throw new Error(`${place} ${reason}`)
    },
  },
)
process.stdout.write(String(process.resourceUsage().maxRSS))
