/** The code of a fault, as Node, Postgres and the Azure library give it; undefined for a fault without one. */
export const codeOf = (error: unknown): string | undefined => {
  const code = propertyOf(error, 'code')
  return typeof code === 'string' ? code : undefined
}

/** The HTTP status that a client library found in an answer. */
export const statusOf = (error: unknown): number | undefined => {
  const status = propertyOf(error, 'statusCode')
  return typeof status === 'number' ? status : undefined
}

/** What a log may hold of a fault whose message may quote its input. */
export const nameOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error)

const propertyOf = (error: unknown, key: string): unknown =>
  typeof error === 'object' && error !== null && key in error ? Reflect.get(error, key) : undefined
