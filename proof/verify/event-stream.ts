export interface ServerSentEvent {
  readonly event: string
  readonly id: string
  readonly data: string
}

/** Reads server-sent events as they come; comments and events without data are passed over. @see WHATWG HTML 9.2.6 */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true })
    const events = text.split('\n\n')
    text = events.pop() ?? ''
    for (const event of events) {
      const read = readEvent(event)
      if (read.data !== '') yield read
    }
  }
}

function readEvent(text: string): ServerSentEvent {
  const event = { event: 'message', id: '', data: '' }
  for (const line of text.split('\n')) {
    const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? []
    if (name === 'event' || name === 'id') event[name] = value
    if (name === 'data') event.data += event.data === '' ? value : `\n${value}`
  }
  return event
}
