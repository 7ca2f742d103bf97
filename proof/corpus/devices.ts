import type { ClientHints } from '../../shared/client/device.ts'
import type { Chance } from './chance.ts'

/** A browser on a machine, or a script: the headers that describe it, and what it keeps of the service. */
export interface Device {
  readonly hints: ClientHints
  readonly isBrowser: boolean
  /** The hash of screen, time zone and languages, which the sign-in form sends. */
  readonly hintsHash: string | undefined
  /** An update changes the version in this text, and not the device hash. */
  userAgent: string
  update(): void
  /** The token of its session, which may be over. */
  session: string | undefined
  deviceToken: string | undefined
  /** From the answer to its latest registration. */
  registration: string | undefined
}

type Kind = readonly [agent: (version: number) => string, platform: string | undefined, mobile: string | undefined]

const chromium =
  (system: string, suffix = '') =>
  (version: number) =>
    `Mozilla/5.0 (${system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version}.0.0.0${suffix && ' Mobile'} Safari/537.36`

const computers: readonly (readonly [kind: Kind, weight: number])[] = [
  [[chromium('Windows NT 10.0; Win64; x64'), '"Windows"', '?0'], 40],
  [[(version) => `${chromium('Windows NT 10.0; Win64; x64')(version)} Edg/${version}.0.0.0`, '"Windows"', '?0'], 20],
  [[chromium('Macintosh; Intel Mac OS X 10_15_7'), '"macOS"', '?0'], 15],
  [
    [
      (version) =>
        `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/${version - 115}.0 Safari/605.1.15`,
      undefined,
      undefined,
    ],
    10,
  ],
  [
    [
      (version) => `Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:${version}.0) Gecko/20100101 Firefox/${version}.0`,
      undefined,
      undefined,
    ],
    10,
  ],
  [
    [
      (version) => `Mozilla/5.0 (X11; Linux x86_64; rv:${version}.0) Gecko/20100101 Firefox/${version}.0`,
      undefined,
      undefined,
    ],
    5,
  ],
]

const phones: readonly (readonly [kind: Kind, weight: number])[] = [
  [[chromium('Linux; Android 10; K', 'mobile'), '"Android"', '?1'], 55],
  [
    [
      (version) =>
        `Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/${version - 115}.0 Mobile/15E148 Safari/604.1`,
      undefined,
      undefined,
    ],
    45,
  ],
]

const script: Kind = [() => 'python-requests/2.32.5', undefined, undefined]

function deviceOf([agent, platform, mobile]: Kind, version: number, hintsHash?: string): Device {
  let current = version
  return {
    hints: { platform, mobile },
    isBrowser: hintsHash !== undefined,
    hintsHash,
    userAgent: agent(version),
    update() {
      this.userAgent = agent(++current)
    },
    session: undefined,
    deviceToken: undefined,
    registration: undefined,
  }
}

export const newComputer = (chance: Chance): Device =>
  deviceOf(chance.weighted(computers), chance.between(139, 142), chance.hex(32))
export const newPhone = (chance: Chance): Device =>
  deviceOf(chance.weighted(phones), chance.between(139, 142), chance.hex(32))
export const newScript = (): Device => deviceOf(script, 1)
