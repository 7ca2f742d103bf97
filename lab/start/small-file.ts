import { constants } from 'node:fs'
import { open } from 'node:fs/promises'

/** A file that a person writes is smaller. */
const MAX_BYTES = 1024 * 1024

/**
 * Reads a file of at most 1 MiB.
 * @throws for a larger one, and for a pipe or device, whose reading may have no end
 */
export async function readSmallFile(path: string): Promise<string> {
  // Without O_NONBLOCK the opening of a pipe lasts until something writes to it.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const found = await file.stat()
    if (found.isDirectory()) throw Object.assign(new Error('is a folder'), { code: 'EISDIR' })
    if (!found.isFile()) throw new Error('is no regular file')
    if (found.size > MAX_BYTES) throw new Error(`is larger than ${MAX_BYTES} bytes`)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}
