import { isIPv6 } from 'node:net'

/**
 * Writes the part of the file format of MaxMind that a test needs: an IPv6 tree of 24-bit records, maps, texts,
 * doubles and integers.
 * @see https://maxmind.github.io/MaxMind-DB/ version 2.0
 */
export function writeMmdb(entries: readonly { network: string; record: object }[], databaseType: string): Buffer {
  const data: Buffer[] = []
  const root: Node = [undefined, undefined]
  let size = 0
  for (const { network, record } of entries) {
    const encoded = encode(record)
    insert(root, bitsOf(network), size)
    data.push(encoded)
    size += encoded.length
  }
  const nodes = flatten(root)
  const metadata = encode({
    binary_format_major_version: uint16(2),
    binary_format_minor_version: uint16(0),
    build_epoch: uint64(1_772_323_200),
    database_type: databaseType,
    description: {},
    ip_version: uint16(6),
    node_count: uint32(nodes.length),
    record_size: uint16(24),
  })
  const separator = Buffer.alloc(SEPARATOR_BYTES)
  return Buffer.concat([tree(nodes), separator, ...data, Buffer.from(MARKER, 'latin1'), metadata])
}

/** A branch, an offset in the data section, or nothing. */
type Child = Node | number | undefined
type Node = [Child, Child]

const SEPARATOR_BYTES = 16
const MARKER = '\xab\xcd\xefMaxMind.com'

function insert(root: Node, bits: readonly (0 | 1)[], offset: number): void {
  let node = root
  for (const bit of bits.slice(0, -1)) {
    const child = node[bit]
    if (typeof child === 'number') throw new Error('networks must not overlap')
    const branch: Node = child ?? [undefined, undefined]
    node[bit] = branch
    node = branch
  }
  node[bits.at(-1) ?? 0] = offset
}

/** IPv4 networks are below ::/96. */
function bitsOf(network: string): (0 | 1)[] {
  const [address = '', length = ''] = network.split('/')
  const bytes = isIPv6(address) ? ipv6Bytes(address) : [...new Array(12).fill(0), ...address.split('.').map(Number)]
  const count = Number(length) + (isIPv6(address) ? 0 : 96)
  return Array.from({ length: count }, (_, at) => (((bytes[at >> 3] ?? 0) >> (7 - (at & 7))) & 1 ? 1 : 0))
}

function ipv6Bytes(address: string): number[] {
  const [left = '', right = ''] = address.split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)))
  const [head, tail] = [groups(left), groups(right)]
  const all = [...head, ...new Array(8 - head.length - tail.length).fill(0), ...tail]
  return all.flatMap((group: number) => [group >> 8, group & 255])
}

function flatten(root: Node): Node[] {
  const nodes = [root]
  for (const node of nodes) for (const child of node) if (Array.isArray(child)) nodes.push(child)
  return nodes
}

function tree(nodes: readonly Node[]): Buffer {
  const buffer = Buffer.alloc(nodes.length * 6)
  const recordOf = (child: Child): number => {
    if (child === undefined) return nodes.length
    return typeof child === 'number' ? nodes.length + SEPARATOR_BYTES + child : nodes.indexOf(child)
  }
  nodes.forEach((node, at) => {
    node.forEach((child, side) => {
      buffer.writeUIntBE(recordOf(child), at * 6 + side * 3, 3)
    })
  })
  return buffer
}

/** An integer of a fixed width of the format. */
interface Whole {
  readonly type: number
  readonly value: number
}
const uint16 = (value: number): Whole => ({ type: 5, value })
const uint32 = (value: number): Whole => ({ type: 6, value })
const uint64 = (value: number): Whole => ({ type: 9, value })

/** A number is a double unless it was marked as an integer. */
function encode(value: unknown): Buffer {
  if (typeof value === 'string') return field(2, Buffer.from(value))
  if (typeof value === 'number') {
    const double = Buffer.alloc(8)
    double.writeDoubleBE(value)
    return field(3, double)
  }
  if (isWhole(value)) {
    const hex = value.value.toString(16)
    return field(value.type, Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex'))
  }
  const entries = Object.entries(value ?? {})
  return Buffer.concat([control(7, entries.length), ...entries.flatMap(([key, of]) => [encode(key), encode(of)])])
}

const isWhole = (value: unknown): value is Whole =>
  typeof value === 'object' && value !== null && 'type' in value && 'value' in value

const field = (type: number, bytes: Buffer): Buffer => Buffer.concat([control(type, bytes.length), bytes])

/** Three bits of type and five of size. A type above 7 is extended, and a size above 28 takes one more byte. */
function control(type: number, size: number): Buffer {
  if (size > 284) throw new RangeError('longer than a test needs')
  const first = ((type > 7 ? 0 : type) << 5) | Math.min(size, 29)
  return Buffer.from([first, ...(type > 7 ? [type - 7] : []), ...(size >= 29 ? [size - 29] : [])])
}
