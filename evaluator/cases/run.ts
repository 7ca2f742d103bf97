import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { named, unreadableReason, unwritableReason } from '../file-error.ts'
import { InputError } from '../input-error.ts'
import type { Case } from './case.ts'
import { CaseReader, isCase } from './case-file.ts'
import { judge, type Verdict } from './compare.ts'
import { readDocument } from './document.ts'
import { outcomeOf } from './happening.ts'
import { updatedText } from './update.ts'

/** The result of one case file. */
export type CaseResult =
  | { readonly file: string; readonly unreadable: string }
  | {
      readonly file: string
      readonly case: Case
      readonly verdict: Verdict
      readonly ms: number
      readonly updated: boolean
    }

/** Files of cases and everything else that was found beside them. */
export interface CaseFiles {
  readonly cases: readonly { readonly file: string; readonly text: string; readonly document: unknown }[]
  /** What could not be parsed. */
  readonly broken: readonly { readonly file: string; readonly unreadable: string }[]
  /** Files that are no case. */
  readonly passedOver: readonly string[]
}

/** Finds the cases in folders, however deep, and files. @throws InputError if a path does not exist */
export async function findCases(paths: readonly string[]): Promise<CaseFiles> {
  const cases: CaseFiles['cases'][number][] = []
  const broken: CaseFiles['broken'][number][] = []
  const passedOver: string[] = []
  for (const path of paths) {
    for (const { file, named } of await filesOf(path)) {
      const text = await readFile(file, 'utf8')
      try {
        const document = readDocument(text, file)
        if (named || isCase(document)) cases.push({ file, text, document })
        else passedOver.push(file)
      } catch (error) {
        if (!(error instanceof InputError)) throw error
        broken.push({ file, unreadable: error.message })
      }
    }
  }
  return { cases, broken, passedOver }
}

async function filesOf(path: string): Promise<{ file: string; named: boolean }[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [{ file: path, named: true }]
    const entries = await readdir(path, { recursive: true, withFileTypes: true })
    return entries
      .filter((entry) => entry.isFile() && /\.(ya?ml|json)$/.test(entry.name))
      .map((entry) => ({ file: join(entry.parentPath, entry.name), named: false }))
      .filter(
        ({ file }) =>
          !relative(path, file)
            .split(sep)
            .some((part) => part.startsWith('.') || part === 'node_modules'),
      )
      .sort((a, b) => (a.file < b.file ? -1 : 1))
  } catch (error) {
    throw new InputError(`${named(path)}: ${unreadableReason(error)}`)
  }
}

async function write(file: string, text: string): Promise<void> {
  await writeFile(file, text).catch((error: unknown) => {
    throw new InputError(`${file} cannot be written: ${unwritableReason(error)}`)
  })
}

/**
 * Reads and evaluates cases, one after the other.
 * @param update whether what happened is written into the files of cases that do not hold
 */
export async function* runCases({ cases }: CaseFiles, update: boolean): AsyncGenerator<CaseResult> {
  const reader = new CaseReader()
  for (const { file, text, document } of cases) {
    const started = performance.now()
    try {
      const given = await reader.read(document, file)
      if (!given.expected && !update) {
        throw new InputError(
          `${file}: expect: is missing: list what must happen ([] for nothing), or run with --update`,
        )
      }
      const verdict = judge(given, outcomeOf(given))
      const updated = update && !verdict.holds
      if (updated) await write(file, updatedText(text, given, verdict))
      yield { file, case: given, verdict, ms: performance.now() - started, updated }
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      // A monitor or a log that several cases name is reported with its own path only.
      yield { file, unreadable: error.message.startsWith(file) ? error.message : `${file}: ${error.message}` }
    }
  }
}
