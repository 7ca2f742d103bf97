import type { Group } from './group.ts'
import { Ring, Rows } from './ring.ts'

/** The entries of one monitor, whatever their group: all its windows are equally long, so entries leave in their order. */
export class EntryRing extends Ring {
  /** The groups of the entries in memory. */
  readonly #groups = new Rows<Group>()

  group(position: number): Group {
    return this.#groups.at(this.owner(position))
  }

  /** @returns the position of the new entry */
  add(time: number, group: Group, slot: number): number {
    if (group.place < 0) group.place = this.#groups.add(group)
    return this.insert(time, group.place, slot)
  }

  /** Removes the first entry, which its group has released. */
  override shift(): void {
    const group = this.group(this.start)
    if (group.held === 0) {
      this.#groups.remove(group.place)
      group.place = -1
    }
    super.shift()
  }
}
