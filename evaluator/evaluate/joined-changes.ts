import { Changes } from './changes.ts'
import type { Group } from './group.ts'
import type { Groups } from './groups.ts'
import { SHARED_KEY } from './reading.ts'
import { byKey, type Rule } from './state.ts'

/** The changes of a formula. What changes for all groups at once is listed once, until the next evaluation. */
export class JoinedChanges extends Changes {
  readonly #all: Groups

  constructor(rule: Rule, groups: Groups) {
    super(rule, groups.places, undefined)
    this.#all = groups
  }

  override take(): readonly Group[] {
    const groups = super.take()
    if (!groups.some(({ key }) => key === SHARED_KEY)) return groups
    const changed = new Set(groups)
    for (const group of this.#all) if (group.count > 0 || group.state !== 'OK') changed.add(group)
    return [...changed].filter(({ key }) => key !== SHARED_KEY).sort(byKey)
  }
}
