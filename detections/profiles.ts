/**
 * Thresholds for other traffic. `demo` uses the files as they are: an attack in the lab crosses their thresholds within seconds.
 * `prod` is a start for real traffic: `npm run detections -- push --profile prod`.
 */
export interface Setting {
  /** The threshold. Default: that of the file. */
  readonly threshold?: number
  /** The window for `.last`, and the words of the message for the old and the new one. */
  readonly window?: { readonly last: string; readonly was: string; readonly is: string }
  /** The source of the numbers, or the reason to keep those of the file. */
  readonly source: string
}

export type Profile = Readonly<Record<string, Setting>>

const prod: Profile = {
  'account-brute-force': {
    threshold: 40,
    source: 'Datadog App and API Protection, brute force on one account (appsec-ato-bf): 40 failures',
  },
  'canary-account': { source: 'as in the file: nobody has a reason to touch a planted address' },
  'containment-failed': { source: 'as in the file: one alert that nobody acts on is one account too many' },
  'containment-tampering': {
    threshold: 10,
    source: 'no published number: the Internet’s scanners knock a few times each; ten of one address are no scanner',
  },
  'credential-stuffing': {
    threshold: 30,
    source: 'Datadog App and API Protection, failed logins by address (appsec-ato-groupby-ip): more than 30',
  },
  'distributed-stuffing': {
    threshold: 300,
    source: 'no published number: three times your busiest ten minutes of a quiet week; 300 until you have measured it',
  },
  'impossible-travel': {
    source: 'as in the file: speed, distance and learning period are the app’s (shared/geo/travel.ts)',
  },
  'mfa-guessing': {
    source: 'as in the file: one pending sign-in takes five codes, the sixth needs the password again',
  },
  'otp-replay': {
    source: 'as in the file: RFC 6238 5.2 accepts a code once; one repeated by its owner is allowed for',
  },
  'password-spraying': {
    threshold: 4,
    source: 'Elastic detection-rules, password spraying: five users and more of one source within an hour',
  },
  'reauthentication-guessing': {
    source:
      'as in the file: one below the five tries that a session has in a quarter of an hour (functions/auth/limits.ts)',
  },
  'revoked-session-use': {
    source: 'as in the file: an owner comes back once per browser; only contained sessions count',
  },
  'session-fork': { source: 'as in the file: a retired token is presented by somebody who copied it' },
  'session-reuse': { source: 'as in the file: a session has one device' },
  'takeover-actions': { source: 'as in the file: the fifteen minutes are the app’s (functions/auth)' },
  'takeover-after-failures': {
    source:
      'as in the file: the five failures are the app’s, as in Datadog’s Auth0 rule (five failures, then a success)',
  },
  'telemetry-silence': {
    window: { last: '15m', was: 'three minutes', is: 'fifteen minutes' },
    source: 'Azure Monitor documentation, log data ingestion time: 20 seconds to 3 minutes on average, more under load',
  },
}

export const profiles = { demo: {}, prod } as const satisfies Readonly<Record<string, Profile>>
export type ProfileName = keyof typeof profiles
