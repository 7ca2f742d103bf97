/** The headers by which a browser identifies itself. */
export interface Device {
  readonly name: string
  readonly userAgent: string
  /** Client hints that are sent by default; Chromium sends them, Firefox and Safari do not. */
  readonly hints: Readonly<Record<string, string>>
}

const chromium = (platform: string) => ({
  'sec-ch-ua-platform': `"${platform}"`,
  'sec-ch-ua-mobile': '?0',
})

export const chromeOnWindows = (version = 141): Device => ({
  name: `Chrome ${version} on Windows`,
  userAgent: `Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version}.0.0.0 Safari/537.36`,
  hints: chromium('Windows'),
})

export const chromeOnMac = (version = 141): Device => ({
  name: `Chrome ${version} on macOS`,
  userAgent: `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version}.0.0.0 Safari/537.36`,
  hints: chromium('macOS'),
})

const edgeOnWindows = (version = 141): Device => ({
  name: `Edge ${version} on Windows`,
  userAgent: `Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version}.0.0.0 Safari/537.36 Edg/${version}.0.0.0`,
  hints: chromium('Windows'),
})

export const firefoxOnLinux = (version = 143): Device => ({
  name: `Firefox ${version} on Linux`,
  userAgent: `Mozilla/5.0 (X11; Linux x86_64; rv:${version}.0) Gecko/20100101 Firefox/${version}.0`,
  hints: {},
})

const firefoxOnWindows = (version = 143): Device => ({
  name: `Firefox ${version} on Windows`,
  userAgent: `Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:${version}.0) Gecko/20100101 Firefox/${version}.0`,
  hints: {},
})

export const safariOnIphone = (version = 26): Device => ({
  name: `Safari ${version} on iPhone`,
  userAgent: `Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/${version}.0 Mobile/15E148 Safari/604.1`,
  hints: {},
})

/** The devices of an office. */
export const OFFICE_DEVICES: readonly (() => Device)[] = [
  chromeOnWindows,
  edgeOnWindows,
  chromeOnMac,
  firefoxOnWindows,
  firefoxOnLinux,
]
