import { accountBruteForce } from './account-brute-force.ts'
import { canaryAccount } from './canary-account.ts'
import { capSpending } from './cap-spending.ts'
import { containmentFailed } from './containment-failed.ts'
import { containmentTampering } from './containment-tampering.ts'
import { credentialStuffing } from './credential-stuffing.ts'
import { distributedStuffing } from './distributed-stuffing.ts'
import { factorOutliving } from './factor-outliving.ts'
import { factorPlanting } from './factor-planting.ts'
import { forgedRequests } from './forged-requests.ts'
import { impossibleTravel } from './impossible-travel.ts'
import type { Attack } from './kit/attack.ts'
import { mfaGuessing } from './mfa-guessing.ts'
import { otpReplay } from './otp-replay.ts'
import { passwordSpraying } from './password-spraying.ts'
import { queueFlooding } from './queue-flooding.ts'
import { reauthenticationGuessing } from './reauthentication-guessing.ts'
import { renewalPolling } from './renewal-polling.ts'
import { revokedSessionUse } from './revoked-session-use.ts'
import { sessionFlood } from './session-flood.ts'
import { sessionFork } from './session-fork.ts'
import { sessionReuse } from './session-reuse.ts'
import { subnetSpread } from './subnet-spread.ts'
import { takeoverActions } from './takeover-actions.ts'
import { takeoverAfterFailures } from './takeover-after-failures.ts'
import { telemetrySilence } from './telemetry-silence.ts'
import { throttleOracle } from './throttle-oracle.ts'

/** All attacks, in the order in which they are listed and verified. */
export const attacks: readonly Attack[] = [
  credentialStuffing,
  sessionReuse,
  impossibleTravel,
  passwordSpraying,
  distributedStuffing,
  accountBruteForce,
  takeoverAfterFailures,
  mfaGuessing,
  otpReplay,
  sessionFork,
  revokedSessionUse,
  canaryAccount,
  containmentTampering,
  takeoverActions,
  reauthenticationGuessing,
  telemetrySilence,
  containmentFailed,
  renewalPolling,
  capSpending,
  sessionFlood,
  factorPlanting,
  factorOutliving,
  subnetSpread,
  throttleOracle,
  queueFlooding,
  forgedRequests,
]

export const attackBySlug = (slug: string): Attack | undefined => attacks.find((attack) => attack.slug === slug)
