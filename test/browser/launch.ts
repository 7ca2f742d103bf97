import { type Browser, chromium } from 'playwright-core'
import { type Program, packagedProgram, systemPrograms } from './chromium.ts'

const REMEDY = `Install Google Chrome, Chromium or Microsoft Edge, or name one by CHROME_PATH;
on Linux \`npm install --include=optional\` brings one with @sparticuz/chromium.`

/** No browser could be started here; the message says what was tried, and what to do. */
export class NoBrowser extends Error {
  override readonly name = 'NoBrowser'
}

/**
 * Starts a real Chromium without a window: the one that CHROME_PATH names, else one of this machine, else that of the
 * optional package. Its flags are playwright's own: those that the package suggests turn web security off.
 * @throws NoBrowser
 */
export async function launchBrowser(env: NodeJS.ProcessEnv = process.env): Promise<Browser> {
  const tried: string[] = []
  for await (const program of candidates(env)) {
    for (const way of waysOf(program)) {
      try {
        return await chromium.launch({ executablePath: way.path, ...(way.env && { env: { ...env, ...way.env } }) })
      } catch (error) {
        const [words = ''] = String(error instanceof Error ? error.message : error).split('\n')
        tried.push(`${way.path}: ${words}`)
      }
    }
  }
  throw new NoBrowser(['No browser could be started.', ...tried, REMEDY].join('\n'))
}

async function* candidates(env: NodeJS.ProcessEnv): AsyncGenerator<Program> {
  if (env.CHROME_PATH) return yield { path: env.CHROME_PATH }
  yield* systemPrograms(env, process.platform)
  const packaged = await packagedProgram()
  if (packaged) yield packaged
}

/** The libraries that come with a program are for machines that have none: the machine's own go first. */
const waysOf = ({ path, env }: Program): Program[] => (env ? [{ path }, { path, env }] : [{ path }])

/** Whether the browser tests may be skipped for want of a browser: on a laptop, never in CI. */
export const maySkip = (env: NodeJS.ProcessEnv): boolean => !env.CI || env.CI === 'false' || env.CI === '0'
