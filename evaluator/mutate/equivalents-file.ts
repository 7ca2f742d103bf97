import { readFile } from 'node:fs/promises'
import { readDocument } from '../cases/index.ts'
import { InputError } from '../input-error.ts'
import { isRecord } from '../monitor/monitor-options.ts'
import type { Equivalents } from './mutation.ts'

/**
 * Reads `{"<slug>": {"<mutant>": "<reason>"}}`, in YAML or JSON.
 * @throws InputError with every fault
 */
export async function readEquivalents(file: string): Promise<Equivalents> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`${file}: ${error.code === 'ENOENT' ? 'does not exist' : error.message}`)
  })
  const document = readDocument(text, file)
  if (!isRecord(document)) throw new InputError(`${file}: an object is wanted: {"monitor": {"mutant": "reason"}}`)
  const faults: string[] = []
  const read = Object.entries(document).map(([slug, mutants]) => {
    if (!isRecord(mutants)) faults.push(`${file}: ${slug}: an object of mutants and reasons is wanted`)
    const reasons = Object.entries(isRecord(mutants) ? mutants : {}).map(([mutant, reason]) => {
      if (typeof reason === 'string' && reason.trim() !== '') return [mutant, reason] as const
      faults.push(`${file}: ${slug}: ${mutant}: a reason is wanted`)
      return [mutant, ''] as const
    })
    return [slug, new Map(reasons)] as const
  })
  if (faults.length > 0) throw new InputError(faults.join('\n'))
  return new Map(read)
}
