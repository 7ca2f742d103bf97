/** Runs up to `atOnce` calls at a time. @returns their results, in the order of the items */
export async function inParallel<T, R>(
  items: readonly T[],
  atOnce: number,
  act: (item: T, at: number) => Promise<R>,
): Promise<R[]> {
  const left = items.entries()
  const results: R[] = []
  const work = async () => {
    for (const [at, item] of left) results[at] = await act(item, at)
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return results
}
