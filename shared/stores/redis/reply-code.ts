/**
 * The code of an error reply. Redis puts it in front of the message, and ioredis leaves it there.
 * @see https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors
 */
export const replyCodeOf = (error: unknown): string | undefined =>
  error instanceof Error && error.name === 'ReplyError' ? /^[A-Z]+/.exec(error.message)?.[0] : undefined
