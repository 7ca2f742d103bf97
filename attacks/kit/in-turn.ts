/** Repeats the items endlessly. @returns a function that gives the next one @throws RangeError without items */
export function inTurn<T>(items: readonly T[]): () => T {
  if (items.length === 0) throw new RangeError('inTurn needs at least one item')
  const turns = (function* (): Generator<T, never> {
    for (;;) yield* items
  })()
  return () => turns.next().value
}
