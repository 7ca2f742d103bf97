import { setTimeout } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import type { Frame } from './animation.ts'
import { readPng } from './png.ts'

/** A frame is kept on the screen no longer than this, however long nothing changed. */
const MOST_MS = 1_500
const PAUSE_MS = 250

/** Screenshots of pages of one size, one after another. */
export class Film {
  readonly frames: Frame[] = []

  /** Shows a page for some time. */
  async hold(page: Page, ms: number): Promise<void> {
    this.frames.push({ picture: readPng(await page.screenshot({ caret: 'hide', animations: 'disabled' })), ms })
  }

  /** Shows a page while something happens in it, as long as it takes, save that long waits are cut. */
  async until(page: Page, happened: Promise<unknown>): Promise<void> {
    let isOver = false
    const end = happened.finally(() => {
      isOver = true
    })
    while (!isOver) {
      const began = performance.now()
      // A screenshot takes time from what it shows.
      await setTimeout(PAUSE_MS)
      await this.hold(page, 0)
      const last = this.frames.length - 1
      const frame = this.frames[last]
      if (frame) this.frames[last] = { ...frame, ms: Math.min(MOST_MS, Math.round(performance.now() - began)) }
    }
    await end
  }
}
