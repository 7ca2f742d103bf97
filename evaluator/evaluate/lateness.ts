/** Seconds by which a log may be older than the newest one and still count. */
export const DEFAULT_LATENESS_SECONDS = 60

/**
 * Decides which logs come too late to count.
 * Decision `too-late-is-dropped`, undocumented how late a log may come: live and in a replay, a log that is older than the newest
 * time by more than the lateness is not counted. The number of these logs is reported.
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
