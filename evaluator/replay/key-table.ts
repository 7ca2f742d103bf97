/** What intake does with a root key before any search. A key with a role is always read, even if no monitor uses it. */
export type KeyRole = 'date' | 'service' | 'env' | 'message' | 'unusual'

const ROLES: ReadonlyMap<string, KeyRole> = new Map([
  ['@timestamp', 'unusual'],
  ['timestamp', 'date'],
  ['service', 'service'],
  ['env', 'env'],
  ['message', 'message'],
  ['ddtags', 'unusual'],
  ['ddsource', 'unusual'],
  ['syslog', 'unusual'],
])

/** The limit of keys remembered that no monitor uses: a log may contain any number of them. */
const MAX_LEARNED_KEYS = 1000

const MAX_FOLLOWERS = 4

/** A key at one level of an event. */
export class Key {
  /** The keys that came next at its level: events of one kind have the same keys in the same order. */
  readonly followers: Key[] = []
  /** The line in which its value was last seen, and the position of the value in it. */
  line = -1
  start = 0
  end = 0
  /** In bytes, both quotes included. */
  readonly length: number
  readonly role: KeyRole | undefined
  readonly children: KeyTable | undefined
  /** Whether a monitor reads its value. */
  readonly wanted: boolean
  /** Whether its value can be skipped. */
  readonly plain: boolean
  readonly #words: Int32Array
  readonly #mask: number

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
    this.#words = Int32Array.from({ length: quoted.length / 4 }, (_, i) => quoted.readInt32LE(i * 4))
    this.#mask = (1 << ((this.length & 3) * 8)) - 1
  }

  /** @returns the key at a position, if it has come after this key before */
  followerAt(view: DataView, position: number): Key | undefined {
    const { followers } = this
    for (let i = 0; i < followers.length; i++) {
      const follower = followers[i] as Key
      if (follower.#isAt(view, position)) return follower
    }
    return undefined
  }

  /** Whether a value of it was met. */
  get isSeen(): boolean {
    return this.line >= 0
  }

  /** Remembers a key that came after this key. The oldest one is forgotten. */
  follow(key: Key): void {
    if (this.followers.unshift(key) > MAX_FOLLOWERS) this.followers.pop()
  }

  /** Whether this key, with its quotes, is at a position. */
  #isAt(view: DataView, position: number): boolean {
    const words = this.#words
    const last = words.length - 1
    let at = position
    for (let i = 0; i < last; i++, at += 4) if (view.getInt32(at, true) !== words[i]) return false
    return (view.getInt32(at, true) & this.#mask) === words[last]
  }
}

/** The keys of one level of an event. */
export class KeyTable {
  /** Precedes the first key. */
  readonly head = new Key(Buffer.alloc(0), undefined, undefined, false)
  readonly #keys = new Map<string, Key>()
  readonly #known: ReadonlySet<string>

  /** @param paths the attributes to read, as written after `@` */
  constructor(paths: Iterable<string>, isRoot: boolean) {
    const below = new Map<string, string[]>()
    if (isRoot) for (const name of ROLES.keys()) below.set(name, [])
    for (const path of paths) {
      const [name = '', ...rest] = path.split('.')
      const inner = below.get(name) ?? []
      below.set(name, inner)
      inner.push(rest.join('.'))
    }
    this.#known = new Set([...below.keys()].map(latin1))
    for (const [name, inner] of below) {
      const deeper = inner.filter((path) => path !== '')
      const children = deeper.length > 0 ? new KeyTable(deeper, false) : undefined
      const role = isRoot ? ROLES.get(name) : undefined
      this.#keys.set(latin1(name), new Key(Buffer.from(name), role, children, inner.includes('')))
    }
  }

  /** The names at this level that lines had, and the paths below it that were given to the constructor and met. */
  *seenNames(above = ''): Iterable<string> {
    for (const [name, key] of this.#keys) {
      const path = above + Buffer.from(name, 'latin1').toString()
      if (key.plain || (key.isSeen && !key.children)) yield path
      if (key.children) yield* key.children.seenNames(`${path}.`)
    }
  }

  /** The key at a path that was given to the constructor. @throws RangeError for any other path */
  wanted(path: string): Key {
    const key = this.get(path)
    if (!key) throw new RangeError(`no key was built for the path ${path}`)
    return key
  }

  /** The key at a path that was given to the constructor, or of a name with a role. */
  get(path: string): Key | undefined {
    const [name = '', ...rest] = path.split('.')
    const key = this.#keys.get(latin1(name))
    return rest.length === 0 ? key : key?.children?.get(rest.join('.'))
  }

  /** @returns the key whose name is from `start` to `end` and contains no escape */
  find(buffer: Buffer, start: number, end: number): Key {
    const name = buffer.toString('latin1', start, end)
    const known = this.#keys.get(name)
    if (known) return known
    // A search for `@a.b` also finds a key that is named `a.b`.
    const dot = name.indexOf('.')
    const role = dot >= 0 && this.#known.has(name.slice(0, dot)) ? 'unusual' : undefined
    const key = new Key(Buffer.from(name, 'latin1'), role, undefined, false)
    if (this.#keys.size < MAX_LEARNED_KEYS) this.#keys.set(name, key)
    return key
  }
}

/** Bytes as a text of one character each, so that different names stay different. */
const latin1 = (name: string): string => Buffer.from(name).toString('latin1')
