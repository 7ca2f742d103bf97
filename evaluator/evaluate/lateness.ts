/** Seconds by which a log may come after the newest one and still count. */
export const DEFAULT_LATENESS_SECONDS = 60

/**
 * How old a log may be.
 * Decision `too-late-is-dropped`, undocumented how old a log a window is evaluated again for: live and in a replay, a log that is
 * older than the newest moment by more than the lateness counts nowhere. The number of these logs is reported.
 */
export class Lateness {
  readonly ms: number

  constructor(seconds = DEFAULT_LATENESS_SECONDS) {
    this.ms = seconds * 1000
  }

  /** Epoch ms of the oldest log that still counts once `newest` has been reached. */
  oldest(newest: number): number {
    return newest - this.ms
  }

  /** Whether a log of time `at` comes too late once `newest` has been reached. */
  excludes(at: number, newest: number): boolean {
    return at < this.oldest(newest)
  }
}
