/**
 * Opens a stream of server-sent events. When this resolves, every later event is read.
 * @returns the first event that fits
 */
export async function streamed<T>(
  url: string,
  event: string,
  fits: (data: T) => boolean,
): Promise<{ readonly found: Promise<T> }> {
  const stopped = new AbortController()
  const { body } = await fetch(url, { signal: stopped.signal })
  const found = firstIn(body ?? [], event, fits).finally(() => stopped.abort())
  found.catch(() => {}) // reported where it is awaited
  return { found }
}

async function firstIn<T>(
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  event: string,
  fits: (data: T) => boolean,
): Promise<T> {
  let text = ''
  for await (const chunk of body) {
    text += Buffer.from(chunk).toString()
    const events = text.split('\n\n')
    text = events.pop() ?? ''
    for (const each of events) {
      const [, data] = /^data: (.*)$/m.exec(each) ?? []
      if (data === undefined || !each.includes(`event: ${event}\n`)) continue
      const found = JSON.parse(data) as T
      if (fits(found)) return found
    }
  }
  throw new Error('the stream ended')
}
