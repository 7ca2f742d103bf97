/**
 * The same value under a type that the compiler cannot derive: what a store reads back of its own writing, and library
 * classes and overloads of which a caller uses one part. The only type assertion of functions, shared and web. Each call
 * gives its reason.
 */
export const unchecked = <T>(value: unknown): T => value as T
