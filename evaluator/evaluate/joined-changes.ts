import { Changes } from './changes.ts'
import type { Group } from './group.ts'
import type { Groups } from './groups.ts'
import type { Joining } from './joining.ts'
import { NOWHERE } from './places.ts'
import { SHARED_KEY } from './reading.ts'
import { byKey, firesAt, type Rule } from './state.ts'

const withoutShared = () => NOWHERE

/** The changes of a formula. What changes for all groups at once is listed once, until the next evaluation. */
export class JoinedChanges extends Changes {
  readonly #all: Groups
  readonly #joining: Joining
  readonly #condition: Rule
  /** Whether a group that is OK and stays OK need not be evaluated. */
  readonly #skipsOk: boolean

  /** @param seesAll whether every change is to be evaluated, so that an observer sees it */
  constructor(rule: Rule, groups: Groups, joining: Joining, seesAll: boolean) {
    super(rule, groups.places, undefined)
    this.#all = groups
    this.#joining = joining
    this.#condition = rule
    // The entries of a query that counts in every group change groups that they do not enter.
    this.#skipsOk = !seesAll && !joining.hasShared && !rule.onMissingData.startsWith('show')
  }

  override enter(place: number, slot: number): void {
    this.places.enter(place)
    this.#joining.enter(place, slot)
    this.list(place)
  }

  override leave(place: number, slot: number): void {
    this.places.leave(place)
    this.#joining.leave(place, slot)
    this.list(place)
  }

  override take(): readonly Group[] {
    const groups = super.take()
    if (!groups.some(({ key }) => key === SHARED_KEY)) return groups
    const changed = new Set(groups)
    for (const group of this.#all) if (group.count > 0 || group.state !== 'OK') changed.add(group)
    return [...changed].filter(({ key }) => key !== SHARED_KEY).sort(byKey)
  }

  /** Lists a group for the next evaluation, unless it stays OK. */
  list(place: number): void {
    const { places } = this
    if (this.#skipsOk && places.isOk(place) && !firesAt(this.#condition, this.#joining.valueOf(place, withoutShared)))
      return
    this.mark(places.at(place))
  }
}
