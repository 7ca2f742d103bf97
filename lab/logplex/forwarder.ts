import { LogShipper } from '../../shared/log-shipper.ts'
import { Secret } from '../../shared/secret.ts'

export interface ForwarderOptions {
  /** The intake, e.g. `http://127.0.0.1:8126/api/v2/logs`. */
  url: string
  apiKey: string
  service: string
  /** `k:v,k2:v2` */
  ddtags: string
  hostname: string
  /** From the first waiting line to its POST, in ms; minutes on Azure. */
  flushMs?: number
  /** Before each further attempt, in ms; as many attempts as entries, plus the first. */
  retryDelaysMs?: readonly number[]
  /** Called with a sentence about lines that are lost. */
  log?: (line: string) => void
}

const LAB_RETRY_DELAYS_MS = [100, 200, 400, 800]

/** Carries the functions' stdout to the log intake, as Azure's log forwarding does. */
export function createForwarder({ apiKey, log = () => {}, ...options }: ForwarderOptions): LogShipper {
  return new LogShipper({
    flushMs: 20,
    retryDelaysMs: LAB_RETRY_DELAYS_MS,
    ...options,
    apiKey: new Secret(apiKey),
    compress: false,
    timeoutMs: 5000,
    queueLines: 20_000,
    queueBytes: 100_000_000,
    lost: (lines, reason) => log(`forwarder: ${lines} lines lost: ${reason}`),
  })
}
