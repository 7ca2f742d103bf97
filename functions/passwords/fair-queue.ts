import { isIPv6 } from 'node:net'
import { groupsOf } from '../../shared/client/address.ts'

/** The sender of work in the queue. */
export interface Sender {
  /** The client's address in normal form. */
  ip: string
  /** Whether the sender presented a valid device token of the account. Nothing else makes a sender trusted. */
  trusted: boolean
}

/** A branch of the tree of networks. It uses either `children` or `items`. */
interface Branch<T> {
  size: number
  /** In the order of their turns: the first child is served next. */
  children: Map<string, Branch<T>>
  /** Oldest first. */
  items: T[]
}

const branch = <T>(): Branch<T> => ({ size: 0, children: new Map(), items: [] })

/**
 * A bounded queue that networks share fairly. Waiting work is in a tree: trusted or not, then IPv4 by /16, /24 and
 * address, IPv6 by /32, /48 and /64. Each branch serves its children in turn. So a sender competes with the sibling
 * branches only, regardless of how much they send and how many addresses they have. The tree contains only branches
 * with waiting work.
 * @see McKenney, Stochastic Fairness Queueing (1990): the longest queue pays when the buffer is full
 */
export class FairQueue<T extends NonNullable<unknown>> {
  readonly #limit: number
  readonly #root: Branch<T> = branch()

  /** @param limit how many items may wait */
  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#root.size
  }

  /**
   * @param sender all work without a sender shares one branch
   * @returns `refused` if the queue is full and no other branch has more waiting work than that of the sender.
   * Otherwise the newest item of the heaviest branch is `evicted`
   */
  push(item: T, sender: Sender | undefined): { kind: 'queued'; evicted?: T | undefined } | { kind: 'refused' } {
    const path = pathOf(sender)
    if (this.size < this.#limit) {
      this.#add(path, item)
      return { kind: 'queued' }
    }
    const victim = this.#mostRepresented(path)
    if (!victim) return { kind: 'refused' }
    const evicted = this.#takeNewest(victim)
    this.#add(path, item)
    return { kind: 'queued', evicted }
  }

  /** @returns the item whose turn it is */
  shift(): T | undefined {
    if (this.size === 0) return undefined
    let at = this.#root
    const path: string[] = []
    for (let next = firstOf(at); next; next = firstOf(next.child)) {
      // Moves the served branch to the end, so that each other branch is served before it.
      at.children.delete(next.key)
      at.children.set(next.key, next.child)
      path.push(next.key)
      at = next.child
    }
    const item = at.items.shift()
    this.#shrink(path)
    return item
  }

  /** @returns all waiting items in the order of their turns */
  drain(): T[] {
    const items: T[] = []
    for (let item = this.shift(); item !== undefined; item = this.shift()) items.push(item)
    return items
  }

  #add(path: readonly string[], item: T): void {
    let at = this.#root
    at.size += 1
    for (const key of path) {
      let child = at.children.get(key)
      if (!child) {
        child = branch()
        at.children.set(key, child)
      }
      at = child
      at.size += 1
    }
    at.items.push(item)
  }

  /**
   * The path to the item that gives way to a newcomer with `path`; undefined if no branch has more than the
   * newcomer's.
   */
  #mostRepresented(path: readonly string[]): string[] | undefined {
    let at = this.#root
    for (const [depth, key] of path.entries()) {
      const heaviest = heaviestOf(at)
      if (!heaviest) return undefined
      const own = at.children.get(key)
      if (!own || own.size < heaviest.child.size) return [...path.slice(0, depth), ...heaviestPath(at)]
      // No sibling has more waiting work, so the place must come from within this branch.
      at = own
    }
    return undefined
  }

  #takeNewest(path: readonly string[]): T | undefined {
    let at: Branch<T> | undefined = this.#root
    for (const key of path) at = at?.children.get(key)
    const item = at?.items.pop()
    this.#shrink(path)
    return item
  }

  /** Removes one item from the sizes along a path, and the branches that become empty. */
  #shrink(path: readonly string[]): void {
    let at = this.#root
    at.size -= 1
    for (const key of path) {
      const child = at.children.get(key)
      if (!child) return
      child.size -= 1
      if (child.size === 0) {
        at.children.delete(key)
        return
      }
      at = child
    }
  }
}

interface Child<T> {
  key: string
  child: Branch<T>
}

function firstOf<T>(at: Branch<T>): Child<T> | undefined {
  const [key, child] = at.children.entries().next().value ?? []
  return key !== undefined && child ? { key, child } : undefined
}

/** The child with the most waiting work; among equals, the one whose turn is last. */
function heaviestOf<T>(at: Branch<T>): Child<T> | undefined {
  let heaviest: Child<T> | undefined
  for (const [key, child] of at.children) if (!heaviest || child.size >= heaviest.child.size) heaviest = { key, child }
  return heaviest
}

function heaviestPath<T>(from: Branch<T>): string[] {
  const path: string[] = []
  for (let next = heaviestOf(from); next; next = heaviestOf(next.child)) path.push(next.key)
  return path
}

/** @returns the keys of a sender's branches, the widest network first */
function pathOf(sender: Sender | undefined): string[] {
  if (!sender) return ['stranger', 'unnamed']
  const lane = sender.trusted ? 'trusted' : 'stranger'
  if (!isIPv6(sender.ip)) {
    const [a, b, c, d] = sender.ip.split('.')
    return [lane, `${a}.${b}`, `${c}`, `${d}`]
  }
  const [a, b, c, d] = groupsOf(sender.ip)
  return [lane, `${a}:${b}`, `${c}`, `${d}`]
}
