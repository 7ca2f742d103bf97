/** So many at a time, each batch begun when the one before is over. @returns what each gave, in order */
export async function inParallel<T, R>(
  items: readonly T[],
  atOnce: number,
  act: (item: T, at: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  for (let from = 0; from < items.length; from += atOnce) {
    const batch = items.slice(from, from + atOnce)
    results.push(...(await Promise.all(batch.map((item, at) => act(item, from + at)))))
  }
  return results
}
