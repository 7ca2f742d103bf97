/** ASCII codes of the characters that JSON and lines are made of. */
export const LINE_FEED = 0x0a
export const SPACE = 0x20
export const QUOTE = 0x22
export const COMMA = 0x2c
export const MINUS = 0x2d
export const DOT = 0x2e
export const DIGIT_0 = 0x30
export const DIGIT_9 = 0x39
export const COLON = 0x3a
export const OPEN_BRACKET = 0x5b
export const BACKSLASH = 0x5c
export const CLOSE_BRACKET = 0x5d
export const OPEN_BRACE = 0x7b
export const CLOSE_BRACE = 0x7d

export const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= DIGIT_0 && byte <= DIGIT_9

/**
 * Reads a byte at a position that the caller knows to be inside. The compiler adds `undefined` to the type of each such read.
 * The innermost loops of a replay (scanner, tables, key table, ring) keep the assertion `as number` in place instead: they read every
 * byte of a log, and a function or a test around each read made a replay measurably slower (3 to 5 %).
 */
export const byteAt = (bytes: Uint8Array, position: number): number => bytes[position] as number
