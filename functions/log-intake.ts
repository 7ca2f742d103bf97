import { LogShipper, type LogShipperOptions } from '../shared/log-shipper.ts'

export interface LogIntakeOptions
  extends Omit<LogShipperOptions, 'ddtags' | 'hostname' | 'compress' | 'flushMs' | 'retryDelaysMs'>,
    Partial<Pick<LogShipperOptions, 'flushMs' | 'retryDelaysMs'>> {
  readonly env: string
  /** The pause between two reports of losses: an intake that is down must not fill stdout with them. */
  readonly reportMs?: number
}

/** Sends the log lines of functions to Datadog. A lost line is still on stdout, the log of record. */
export type LogIntake = Pick<LogShipper, 'write' | 'hurry' | 'close'>

export function openLogIntake({ env, lost, reportMs = 10_000, ...options }: LogIntakeOptions): LogIntake {
  const report = new LossReport(lost, reportMs)
  const shipper = new LogShipper({
    flushMs: 2000,
    retryDelaysMs: [500, 1000, 2000],
    ...options,
    ddtags: `env:${env}`,
    hostname: 'functions',
    compress: true,
    lost: (lines, reason) => report.add(lines, reason),
  })
  return {
    write: (line) => shipper.write(line),
    hurry: () => shipper.hurry(),
    close: async () => {
      await shipper.close()
      report.close()
    },
  }
}

/** Adds up losses by their reason. */
class LossReport {
  readonly #lost: LogShipperOptions['lost']
  readonly #reportMs: number
  readonly #counts = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(lost: LogShipperOptions['lost'], reportMs: number) {
    this.#lost = lost
    this.#reportMs = reportMs
  }

  add(lines: number, reason: string): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + lines)
    this.#timer ??= setTimeout(() => this.close(), this.#reportMs).unref()
  }

  /** Reports what has been added since the last report. */
  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const [reason, lines] of this.#counts) this.#lost(lines, reason)
    this.#counts.clear()
  }
}
