/** What intake makes of a key before a query does, so that its presence is never without consequence. */
export type KeyRole = 'date' | 'service' | 'env' | 'message' | 'unusual'

const roles: ReadonlyMap<string, KeyRole> = new Map([
  ['@timestamp', 'unusual'],
  ['timestamp', 'date'],
  ['service', 'service'],
  ['env', 'env'],
  ['message', 'message'],
  ['ddtags', 'unusual'],
  ['ddsource', 'unusual'],
  ['syslog', 'unusual'],
])

/** Keys that nobody asked for are known again up to so many; a log may have made up more. */
const mostLearned = 1000

const mostFollowers = 4

/** A key at some level of an event. */
export class Key {
  /** Which keys came behind it, at its level: events of one sort have the same keys in the same order. */
  readonly followers: Key[] = []
  /** On which line its value was last seen, and where. */
  line = -1
  start = 0
  end = 0
  /** With both quotes, in bytes. */
  readonly length: number
  readonly role: KeyRole | undefined
  readonly children: KeyTable | undefined
  /** Whether its value is read at all. */
  readonly wanted: boolean
  /** Neither read nor of any consequence. */
  readonly plain: boolean
  private readonly words: Int32Array
  private readonly mask: number

  constructor(bytes: Buffer, role: KeyRole | undefined, children: KeyTable | undefined, wanted: boolean) {
    this.role = role
    this.children = children
    this.wanted = wanted
    this.plain = !role && !children && !wanted
    this.length = bytes.length + 2
    const quoted = Buffer.alloc((this.length & ~3) + 4)
    quoted.write('"')
    bytes.copy(quoted, 1)
    quoted.write('"', this.length - 1)
    this.words = Int32Array.from({ length: quoted.length / 4 }, (_, i) => quoted.readInt32LE(i * 4))
    this.mask = (1 << ((this.length & 3) * 8)) - 1
  }

  /** @returns the key that stands at a position, if it is one that came behind this one before */
  followerAt(view: DataView, position: number): Key | undefined {
    const { followers } = this
    for (let i = 0; i < followers.length; i++) {
      const follower = followers[i] as Key
      if (follower.isAt(view, position)) return follower
    }
    return undefined
  }

  /** Remembers a key that came behind this one, in place of the oldest. */
  follow(key: Key): void {
    if (this.followers.unshift(key) > mostFollowers) this.followers.pop()
  }

  /** Whether it stands at a position, with its quotes. */
  private isAt(view: DataView, position: number): boolean {
    const { words } = this
    const last = words.length - 1
    let at = position
    for (let i = 0; i < last; i++, at += 4) if (view.getInt32(at, true) !== words[i]) return false
    return (view.getInt32(at, true) & this.mask) === words[last]
  }
}

/** The keys of one level of an event. */
export class KeyTable {
  /** Stands before the first key. */
  readonly head = new Key(Buffer.alloc(0), undefined, undefined, false)
  private readonly keys = new Map<string, Key>()
  private readonly known: ReadonlySet<string>

  /** @param paths what is wanted, as after `@` */
  constructor(paths: Iterable<string>, isRoot: boolean) {
    const below = new Map<string, string[]>()
    if (isRoot) for (const name of roles.keys()) below.set(name, [])
    for (const path of paths) {
      const [name = '', ...rest] = path.split('.')
      const inner = below.get(name) ?? []
      below.set(name, inner)
      inner.push(rest.join('.'))
    }
    this.known = new Set([...below.keys()].map(latin1))
    for (const [name, inner] of below) {
      const deeper = inner.filter((path) => path !== '')
      const children = deeper.length > 0 ? new KeyTable(deeper, false) : undefined
      const role = isRoot ? roles.get(name) : undefined
      this.keys.set(latin1(name), new Key(Buffer.from(name), role, children, inner.includes('')))
    }
  }

  /** The key at a path that was wanted, so that there is one. */
  wanted(path: string): Key {
    return this.get(path) as Key
  }

  /** The key at a path that was wanted, or that has a role. */
  get(path: string): Key | undefined {
    const [name = '', ...rest] = path.split('.')
    const key = this.keys.get(latin1(name))
    return rest.length === 0 ? key : key?.children?.get(rest.join('.'))
  }

  /** @returns the key whose name, which holds no escape, stands between two positions */
  find(buffer: Buffer, start: number, end: number): Key {
    const name = buffer.toString('latin1', start, end)
    const known = this.keys.get(name)
    if (known) return known
    // `@a.b` finds a key `a.b` too.
    const dot = name.indexOf('.')
    const role = dot >= 0 && this.known.has(name.slice(0, dot)) ? 'unusual' : undefined
    const key = new Key(Buffer.from(name, 'latin1'), role, undefined, false)
    if (this.keys.size < mostLearned) this.keys.set(name, key)
    return key
  }
}

/** Bytes as a text, one character each: no two names are alike in it. */
const latin1 = (name: string): string => Buffer.from(name).toString('latin1')
