import { readFile } from 'node:fs/promises'
import { readDocument } from '../cases/index.ts'
import { unreadableReason } from '../file-error.ts'
import { InputError } from '../input-error.ts'
import { isRecord } from '../json.ts'
import type { Equivalents } from './mutation.ts'

/**
 * Reads `{"<slug>": {"<mutant>": "<reason>"}}`, in YAML or JSON.
 * @throws InputError with every fault
 */
export async function readEquivalents(file: string): Promise<Equivalents> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new InputError(`${file}: ${unreadableReason(error)}`)
  })
  const document = readDocument(text, file)
  if (!isRecord(document)) throw new InputError(`${file}: must be an object such as {"monitor": {"mutant": "reason"}}`)
  const faults: string[] = []
  const read = Object.entries(document).map(([slug, mutants]) => {
    if (!isRecord(mutants)) faults.push(`${file}: ${slug}: must be an object of mutants and reasons`)
    const reasons = Object.entries(isRecord(mutants) ? mutants : {}).map(([mutant, reason]) => {
      if (typeof reason === 'string' && reason.trim() !== '') return [mutant, reason] as const
      faults.push(`${file}: ${slug}: ${mutant}: needs a reason`)
      return [mutant, ''] as const
    })
    return [slug, new Map(reasons)] as const
  })
  if (faults.length > 0) throw new InputError(faults.join('\n'))
  return new Map(read)
}
