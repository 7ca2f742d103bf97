import { networkOf } from '../../shared/client/address.ts'
import type { ThrottleRule } from '../../shared/stores/port.ts'

const MINUTE = 60
const DAY = 24 * 60 * MINUTE

/**
 * The limits of attempts. A success returns its attempt, so only failures add up. NIST SP 800-63B-4 3.2.2 would
 * disable an account after 100 failures in a row, which lets anybody disable any account. So an account allows 90
 * guesses a day: 50 by strangers, 40 by devices with a token of the account.
 */
export const LIMITS = {
  addressFailures: { limit: 100, windowSeconds: 5 * MINUTE },
  accountFailures: { limit: 10, windowSeconds: 15 * MINUTE },
  accountDailyFailures: { limit: 50, windowSeconds: DAY },
  /** Each device with a token of the account has its own limit, so attempts from elsewhere never lock the owner out. */
  trustedDeviceFailures: { limit: 10, windowSeconds: 15 * MINUTE },
  /** For all such devices together. */
  trustedDailyFailures: { limit: 40, windowSeconds: DAY },
  /**
   * Right passwords are limited too, because each one writes rows and a session. A device with a token has its own
   * limit.
   */
  rightSignIns: { limit: 30, windowSeconds: 15 * MINUTE },
  registrations: { limit: 60, windowSeconds: 10 * MINUTE },
  confirmations: { limit: 60, windowSeconds: 10 * MINUTE },
  /** For one address: registrations must not fill a mailbox. */
  mails: { limit: 3, windowSeconds: 60 * MINUTE },
  /** For one address and network, so that one network cannot use up the mails that the owner of the address needs. */
  mailsOfNetwork: { limit: 2, windowSeconds: 60 * MINUTE },
  /** For one mailbox with all of its subaddresses. @see RFC 5233 */
  mailsToMailbox: { limit: 10, windowSeconds: 60 * MINUTE },
  mfaFailures: { limit: 10, windowSeconds: 15 * MINUTE },
  /**
   * Three of a million codes are right at any instant. With 50 a day, and as many by devices with a token, an even
   * chance takes years.
   */
  mfaDailyFailures: { limit: 50, windowSeconds: DAY },
  reauthFailures: { limit: 5, windowSeconds: 15 * MINUTE },
  /** For all sessions of an account: several stolen sessions do not allow more guesses. */
  accountReauthFailures: { limit: 10, windowSeconds: 15 * MINUTE },
  accountDailyReauthFailures: { limit: 30, windowSeconds: DAY },
  /** Right proofs are limited too: each opens a session, and a revocation follows the chain of those sessions. */
  rightProofs: { limit: 30, windowSeconds: 15 * MINUTE },
  /** Readings of the history: each goes through the rows of an account, of which a flood may have made thousands. */
  historyReadings: { limit: 60, windowSeconds: 15 * MINUTE },
  /** New authenticator secrets: each writes an audit row. */
  enrolments: { limit: 10, windowSeconds: 60 * MINUTE },
} as const

/** Attempts at the password of one registration by its link. */
export const REGISTRATION_TRIES = 5

/** Attempts at one pending sign-in before the password is asked for again. */
export const MFA_TRIES = 5
export const MFA_PENDING_SECONDS = 300

const rule = (kind: keyof typeof LIMITS, subject: string): ThrottleRule => ({
  key: `${kind}:${subject}`,
  ...LIMITS[kind],
})

/**
 * @param loginHash of the submitted login, whether or not the account exists
 * @param lineage of the presented device token of this account; each device is counted separately
 */
export const loginRules = (ip: string, loginHash: string, lineage: string | undefined): ThrottleRule[] =>
  lineage === undefined
    ? [
        rule('addressFailures', networkOf(ip)),
        rule('accountFailures', loginHash),
        rule('accountDailyFailures', loginHash),
      ]
    : [rule('trustedDeviceFailures', `${loginHash} ${lineage}`), rule('trustedDailyFailures', loginHash)]
export const rightSignInRules = (loginHash: string, lineage: string | undefined): ThrottleRule[] => [
  rule('rightSignIns', lineage === undefined ? loginHash : `${loginHash} ${lineage}`),
]
export const registerRules = (ip: string): ThrottleRule[] => [rule('registrations', networkOf(ip))]
export const confirmRules = (ip: string): ThrottleRule[] => [rule('confirmations', networkOf(ip))]
/** @param hashes of the address and of its mailbox, which is the address without a `+tag` */
export const mailRules = (ip: string, hashes: { address: string; mailbox: string }): ThrottleRule[] => [
  rule('mails', hashes.address),
  rule('mailsOfNetwork', `${hashes.address} ${networkOf(ip)}`),
  rule('mailsToMailbox', hashes.mailbox),
]
/** @param lineage as above; a stranger who guesses codes must not lock the owner out */
export const mfaRules = (userId: string, lineage?: string): ThrottleRule[] => [
  rule('mfaFailures', lineage === undefined ? userId : `${userId} ${lineage}`),
  rule('mfaDailyFailures', lineage === undefined ? userId : `${userId} trusted`),
]
/**
 * Guesses at the password inside a session: at re-authentication and at a change of the password.
 * @param isFresh whether the session was just opened; it then has only its own limit. So a thief who spends the limit
 * of the account with stolen sessions cannot stop the owner from signing in again and changing the password
 */
export const reauthRules = ({ sid, userId }: { sid: string; userId: string }, isFresh: boolean): ThrottleRule[] => [
  rule('reauthFailures', sid),
  ...(isFresh ? [] : [rule('accountReauthFailures', userId), rule('accountDailyReauthFailures', userId)]),
]
export const rightProofRules = (userId: string): ThrottleRule[] => [rule('rightProofs', userId)]
export const historyRules = (userId: string): ThrottleRule[] => [rule('historyReadings', userId)]
export const enrolRules = (userId: string): ThrottleRule[] => [rule('enrolments', userId)]
