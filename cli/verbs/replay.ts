import { loadMonitors } from 'alertproof'
import { verbs } from 'alertproof/cli'
import { asNpmScript } from '../package-verb.ts'

const { replayOf } = await verbs.replay()

/** Over the catalogue, unless other monitors are named. */
export const command = asNpmScript(replayOf({ path: 'detections', load: () => loadMonitors('detections') }))
