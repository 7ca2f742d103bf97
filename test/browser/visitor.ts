import type { Browser, BrowserContext, Page, Response } from 'playwright-core'

export const CHROME_ON_WINDOWS =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/147.0.0.0 Safari/537.36'
export const FIREFOX_ON_LINUX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0'
export const SAFARI_ON_IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1'

export interface VisitorOptions {
  userAgent?: string
  /** One of the documentation's addresses, by which the lab's edge knows this visitor. Absent: a browser on this machine. */
  ip?: string
  script?: boolean
}

/** One browser profile with one tab, and all that went wrong in it. */
export interface Visitor {
  page: Page
  context: BrowserContext
  /** Console errors, uncaught exceptions, reports of the content security policy, and parts of pages that did not load. */
  faults: string[]
  /** @returns the answer to the navigation, whatever its status */
  open(path: string): Promise<Response>
  /** Presses a button of the page, and waits for the answer. */
  press(button: string): Promise<Response>
  close(): Promise<void>
}

export async function openVisitor(browser: Browser, origin: string, options: VisitorOptions): Promise<Visitor> {
  const { userAgent = CHROME_ON_WINDOWS, ip, script = true } = options
  const context = await browser.newContext({
    baseURL: origin,
    userAgent,
    locale: 'en-GB',
    timezoneId: 'Europe/Lisbon',
    javaScriptEnabled: script,
    ...(ip === undefined ? {} : { extraHTTPHeaders: { 'x-lab-client-ip': ip } }),
    reducedMotion: 'reduce',
  })
  const faults: string[] = []
  await context.exposeBinding('reportViolation', (_source, words: string) => void faults.push(`CSP: ${words}`))
  await context.addInitScript(`document.addEventListener('securitypolicyviolation', (event) =>
    reportViolation(event.effectiveDirective + ' ' + event.blockedURI + ' on ' + event.documentURI))`)
  const page = await context.newPage()
  watch(page, faults)

  const answerTo = async (act: () => Promise<unknown>): Promise<Response> => {
    const answered = page.waitForResponse((response) => isDocument(response) && !isRedirect(response))
    await Promise.all([answered, act()])
    await page.waitForLoadState('load')
    return answered
  }
  return {
    page,
    context,
    faults,
    open: (path) => answerTo(() => page.goto(path)),
    press: (button) => answerTo(() => page.getByRole('button', { name: button, exact: true }).click()),
    close: () => context.close(),
  }
}

const isDocument = (response: Response): boolean => response.request().isNavigationRequest()
const isRedirect = (response: Response): boolean => response.status() >= 300 && response.status() < 400

function watch(page: Page, faults: string[]): void {
  page.on('pageerror', (error) => faults.push(`uncaught: ${error.message}`))
  page.on('console', (message) => {
    // The browser also reports a page with status 401 on the console; the status is asserted where the page is requested.
    const ofTheStatus = /^Failed to load resource: the server responded with a status of/.test(message.text())
    if (message.type() === 'error' && !ofTheStatus) faults.push(`console: ${message.text()}`)
  })
  page.on('response', (response) => {
    if (!isDocument(response) && response.status() >= 400) faults.push(`${response.status()} for ${response.url()}`)
  })
  page.on('requestfailed', (request) => {
    const why = request.failure()?.errorText
    // A page that is left behind takes its unfinished requests along.
    if (why !== 'net::ERR_ABORTED') faults.push(`${request.url()}: ${why}`)
  })
}
