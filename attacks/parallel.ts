/** So many at a time, the next begun as soon as one is over. @returns what each gave, in order */
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
