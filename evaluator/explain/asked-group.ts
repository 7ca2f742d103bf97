import { groupKeys } from '../evaluate/reading.ts'
import type { GroupName } from './explanation.ts'
import { QuestionError } from './question.ts'

/**
 * @param slug of the monitor or rule @param names of the facets of its groups
 * @throws QuestionError if the group that is asked about names another facet
 */
export function checkGroup(slug: string, names: readonly string[], group: GroupName | undefined): void {
  const unknown = Object.keys(group ?? {}).find((name) => !names.includes(name))
  if (unknown === undefined) return
  if (names.length === 0) throw new QuestionError(`${slug} has no groups: it counts all events together.`)
  throw new QuestionError(`${slug} does not group by ${unknown}. It groups by ${names.join(', ')}.`)
}

/** The key of the group that is asked about; undefined unless each of its values is given. */
export function exactKeyOf(names: readonly string[], group: GroupName | undefined): string | undefined {
  if (names.length === 0) return ''
  return group !== undefined && names.every((name) => name in group) ? keysOfGroup(names, group)[0] : undefined
}

/** The keys of a group; a facet without a value counts as empty. */
export const keysOfGroup = (names: readonly string[], group: GroupName): string[] =>
  [groupKeys(names.map((name) => group[name] ?? ''))].flat()
