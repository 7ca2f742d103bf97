/** Reads server-sent events until one fits. */
export async function streamed<T>(url: string, event: string, fits: (data: T) => boolean): Promise<T> {
  const stopped = new AbortController()
  try {
    const { body } = await fetch(url, { signal: stopped.signal })
    let text = ''
    for await (const chunk of body ?? []) {
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
  } finally {
    stopped.abort()
  }
}
