import { networkOf } from '../../shared/client/address.ts'
import type { ThrottleRule } from '../../shared/stores/port.ts'

const MINUTE = 60
const DAY = 24 * 60 * MINUTE

/**
 * How many attempts are let through. A success gives its attempt back, so only failures add up. NIST SP 800-63B-4
 * 3.2.2 would disable an account after 100 failures in a row; anybody could then disable anybody's, so guessing is held
 * to 90 a day instead: 50 by strangers, 40 by devices that hold a token of the account.
 */
export const LIMITS = {
  addressFailures: { limit: 100, windowSeconds: 5 * MINUTE },
  accountFailures: { limit: 10, windowSeconds: 15 * MINUTE },
  accountDailyFailures: { limit: 50, windowSeconds: DAY },
  /** Each device with a token of the account has a bucket of its own: hammering from elsewhere never locks its owner out. */
  trustedDeviceFailures: { limit: 10, windowSeconds: 15 * MINUTE },
  /** Of all of them together. */
  trustedDailyFailures: { limit: 40, windowSeconds: DAY },
  /** Right passwords are limited too, because each makes rows and a session. A device with a token has its own limit. */
  rightSignIns: { limit: 30, windowSeconds: 15 * MINUTE },
  registrations: { limit: 60, windowSeconds: 10 * MINUTE },
  confirmations: { limit: 60, windowSeconds: 10 * MINUTE },
  /** To one address: registering must not be a way to fill somebody's mailbox. */
  mails: { limit: 3, windowSeconds: 60 * MINUTE },
  /** Caused by one network, so that one network cannot use up the mails that the owner of the address needs. */
  mailsOfNetwork: { limit: 2, windowSeconds: 60 * MINUTE },
  /** To one mailbox under all of its subaddresses. @see RFC 5233 */
  mailsToMailbox: { limit: 10, windowSeconds: 60 * MINUTE },
  mfaFailures: { limit: 10, windowSeconds: 15 * MINUTE },
  /**
   * Three codes of a million are right at any instant: 50 a day, and as many by devices with a token, is years for an even
   * chance.
   */
  mfaDailyFailures: { limit: 50, windowSeconds: DAY },
  reauthFailures: { limit: 5, windowSeconds: 15 * MINUTE },
  /** Of all sessions of an account together: whoever has stolen several guesses no faster. */
  accountReauthFailures: { limit: 10, windowSeconds: 15 * MINUTE },
  accountDailyReauthFailures: { limit: 30, windowSeconds: DAY },
  /** Right ones are limited too: each opens a session, and a revocation follows the chain of those. */
  rightProofs: { limit: 30, windowSeconds: 15 * MINUTE },
  /** New secrets for an authenticator: each is a row of the audit. */
  enrolments: { limit: 10, windowSeconds: 60 * MINUTE },
} as const

/** Tries at the password of one registration, for whoever has its link. */
export const REGISTRATION_TRIES = 5

/** Tries at one pending sign-in, before the password is asked for again. */
export const MFA_TRIES = 5
export const MFA_PENDING_SECONDS = 300

const rule = (kind: keyof typeof LIMITS, subject: string): ThrottleRule => ({
  key: `${kind}:${subject}`,
  ...LIMITS[kind],
})

/**
 * @param loginHash of the submitted login, whether or not there is such an account
 * @param lineage of the device token of this account that was presented: its tries are counted apart from its neighbours'
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
/** @param hashes of the address, and of its mailbox: the address without a `+tag` */
export const mailRules = (ip: string, hashes: { address: string; mailbox: string }): ThrottleRule[] => [
  rule('mails', hashes.address),
  rule('mailsOfNetwork', `${hashes.address} ${networkOf(ip)}`),
  rule('mailsToMailbox', hashes.mailbox),
]
/** @param lineage as above, so that a stranger's guesses at codes do not keep the owner out */
export const mfaRules = (userId: string, lineage?: string): ThrottleRule[] => [
  rule('mfaFailures', lineage === undefined ? userId : `${userId} ${lineage}`),
  rule('mfaDailyFailures', lineage === undefined ? userId : `${userId} trusted`),
]
/**
 * Guesses at the password by whoever holds a session: at re-authentication and at a change of the password.
 * @param isFresh whether it was signed in to just now: then it is held to its own limit alone, so that whoever spends the
 * account's with stolen sessions cannot keep its owner from signing in anew and changing the password
 */
export const reauthRules = ({ sid, userId }: { sid: string; userId: string }, isFresh: boolean): ThrottleRule[] => [
  rule('reauthFailures', sid),
  ...(isFresh ? [] : [rule('accountReauthFailures', userId), rule('accountDailyReauthFailures', userId)]),
]
export const rightProofRules = (userId: string): ThrottleRule[] => [rule('rightProofs', userId)]
export const enrolRules = (userId: string): ThrottleRule[] => [rule('enrolments', userId)]
