/**
 * The part of MITRE ATT&CK for Enterprise that the detections speak of. A technique is listed with every tactic that it serves.
 * Release 19 split Defense Evasion: TA0005 is called Stealth now, TA0112 Defense Impairment is new, and T1562 (Impair Defenses)
 * with its sub-techniques was revoked in favour of T1685 to T1690.
 * @see https://attack.mitre.org/resources/updates/
 */
export const RELEASE = 'ATT&CK v19'

export const TACTICS: Readonly<Record<string, string>> = {
  TA0001: 'Initial Access',
  TA0003: 'Persistence',
  TA0004: 'Privilege Escalation',
  TA0005: 'Stealth',
  TA0006: 'Credential Access',
  TA0008: 'Lateral Movement',
  TA0009: 'Collection',
  TA0112: 'Defense Impairment',
}

export interface Technique {
  /** A sub-technique's name follows its technique's, as in `Brute Force: Password Spraying`. */
  readonly name: string
  readonly tactics: readonly string[]
}

export const TECHNIQUES: Readonly<Record<string, Technique>> = {
  T1078: { name: 'Valid Accounts', tactics: ['TA0001', 'TA0003', 'TA0004', 'TA0005'] },
  T1098: { name: 'Account Manipulation', tactics: ['TA0003', 'TA0004'] },
  'T1110.001': { name: 'Brute Force: Password Guessing', tactics: ['TA0006'] },
  'T1110.003': { name: 'Brute Force: Password Spraying', tactics: ['TA0006'] },
  'T1110.004': { name: 'Brute Force: Credential Stuffing', tactics: ['TA0006'] },
  T1111: { name: 'Multi-Factor Authentication Interception', tactics: ['TA0006'] },
  T1539: { name: 'Steal Web Session Cookie', tactics: ['TA0006'] },
  'T1550.004': { name: 'Use Alternate Authentication Material: Web Session Cookie', tactics: ['TA0008'] },
  'T1556.006': {
    name: 'Modify Authentication Process: Multi-Factor Authentication',
    tactics: ['TA0003', 'TA0006', 'TA0112'],
  },
  T1557: { name: 'Adversary-in-the-Middle', tactics: ['TA0006', 'TA0009'] },
  T1685: { name: 'Disable or Modify Tools', tactics: ['TA0112'] },
  'T1685.002': { name: 'Disable or Modify Tools: Disable or Modify Cloud Log', tactics: ['TA0112'] },
}

/** Ids that earlier releases had, with what stands in their place. */
export const REVOKED: Readonly<Record<string, string>> = {
  T1562: 'T1685',
  'T1562.001': 'T1685',
  'T1562.008': 'T1685.002',
}
