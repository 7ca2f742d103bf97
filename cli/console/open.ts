import { documentationCountry } from '../../functions/geo/documentation.ts'
import type { LabOptions } from '../../lab/start/lab.ts'
import { attacksPort } from './attacks.ts'
import { containmentsPort } from './containments.ts'

/** What the console of a lab can do beyond the lab: attacks, and the ledger of containments. */
export interface OpenedConsole {
  readonly ports: NonNullable<LabOptions['console']>
  /** Before the lab's stores stop. */
  close(): Promise<void>
}

/** @param dir the directory of the lab, which starts later @param log called with messages of the ledger */
export function openConsole(dir: string, log: (line: string) => void): OpenedConsole {
  const containments = containmentsPort(dir, log)
  return {
    ports: { containments, attacks: attacksPort(dir), countryOf: documentationCountry },
    close: containments.close,
  }
}
