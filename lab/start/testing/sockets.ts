import { readdir, readFile, readlink } from 'node:fs/promises'
import { connect } from 'node:net'

/** A listening TCP socket of a process. */
export interface Listening {
  readonly pid: number
  readonly address: string
  readonly port: number
}

/** The listening sockets of `root` and its descendants. Linux only, because it reads /proc. */
export async function listeningSockets(root: number): Promise<Listening[]> {
  const table = new Map<string, { address: string; port: number }>()
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of (await readFile(file, 'utf8')).split('\n').slice(1)) {
      const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/)
      if (state !== '0A' || inode === undefined) continue
      const [address = '', port = ''] = local.split(':')
      table.set(inode, { address: textOf(address), port: Number.parseInt(port, 16) })
    }
  }
  const found: Listening[] = []
  for (const pid of await familyOf(root)) {
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const link = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')
      const socket = table.get(/^socket:\[(\d+)\]$/.exec(link)?.[1] ?? '')
      if (socket) found.push({ pid, ...socket })
    }
  }
  return found
}

async function familyOf(root: number): Promise<number[]> {
  const parents = new Map<number, number>()
  for (const name of await readdir('/proc')) {
    const status = /^\d+$/.test(name) ? await readFile(`/proc/${name}/status`, 'utf8').catch(() => '') : ''
    const parent = /^PPid:\s+(\d+)/m.exec(status)?.[1]
    if (parent !== undefined) parents.set(Number(name), Number(parent))
  }
  const family = [root]
  for (const pid of family) for (const [child, parent] of parents) if (parent === pid) family.push(child)
  return family
}

/** Reads an address that the kernel writes as 32-bit words in little-endian byte order. */
function textOf(hex: string): string {
  const words = hex.match(/.{8}/g) ?? []
  const bytes = words.flatMap((word) => [...Buffer.from(word, 'hex').reverse()])
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, index) =>
    Buffer.from(bytes.slice(index * 2, index * 2 + 2)).toString('hex'),
  )
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}

const ANSWER_MS = 2000

/** Sends one raw request. @returns the status, or undefined if the other side is not an HTTP server */
export function httpStatus(
  { address, port }: Pick<Listening, 'address' | 'port'>,
  method: string,
  headers: Readonly<Record<string, string>>,
): Promise<number | undefined> {
  return new Promise((done) => {
    const lines = Object.entries({ ...headers, Connection: 'close', 'Content-Length': '0' })
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
    let answer = ''
    const socket = connect(port, address, () => socket.write(`${method} / HTTP/1.1\r\n${head}\r\n`))
    const end = () => {
      socket.destroy()
      const status = /^HTTP\/1\.[01] (\d{3}) /.exec(answer)?.[1]
      done(status === undefined ? undefined : Number(status))
    }
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      answer += chunk
      if (answer.includes('\r\n')) end()
    })
    socket.setTimeout(ANSWER_MS, end)
    for (const event of ['error', 'end'] as const) socket.once(event, end)
  })
}
