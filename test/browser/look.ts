import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'

const SCREENSHOTS = fileURLToPath(new URL('../../.lab/screenshots/', import.meta.url))
const THEMES = ['light', 'dark'] as const
const SIZES = [
  { width: 360, height: 740 },
  { width: 1440, height: 900 },
] as const

/** Removes the pictures of the service's pages; those of the console stand in a folder of their own and are replaced one by one. */
export async function emptyScreenshots(): Promise<void> {
  await mkdir(SCREENSHOTS, { recursive: true })
  const files = (await readdir(SCREENSHOTS, { withFileTypes: true })).filter((entry) => entry.isFile())
  await Promise.all(files.map(({ name }) => rm(join(SCREENSHOTS, name), { force: true })))
}

/**
 * Looks at the page that is open: in both themes, on a phone and on a desk. A picture of each is kept for human eyes;
 * what a machine can judge of it is asserted here.
 * @param name of the pictures, `.lab/screenshots/<name>-<theme>-<width>.png`
 */
export async function look(page: Page, name: string): Promise<void> {
  const faults: string[] = []
  await page.evaluate(axe.source)
  for (const theme of THEMES) {
    await page.emulateMedia({ colorScheme: theme })
    for (const size of SIZES) {
      await page.setViewportSize(size)
      const at = `${name}, ${theme}, ${size.width} px`
      await page.screenshot({ path: join(SCREENSHOTS, `${name}-${theme}-${size.width}.png`), fullPage: true })
      const width = await page.evaluate<number>('document.documentElement.scrollWidth')
      if (width > size.width) faults.push(`${at}: ${width} px wide`)
      faults.push(...(await violations(page)).map((violation) => `${at}: ${violation}`))
    }
  }
  expect(faults).toEqual([])
}

/** Every rule that axe has, good practice included. */
async function violations(page: Page): Promise<string[]> {
  const { violations } = await page.evaluate<axe.AxeResults>('axe.run(document)')
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`)
}
