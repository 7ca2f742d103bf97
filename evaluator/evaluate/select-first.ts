/**
 * Reorders items so that the first `count` of them come before all others, in no particular order. Expected time is linear.
 * @see Hoare, Algorithm 65: Find (1961)
 */
export function selectFirst(items: Int32Array, count: number, isBefore: (a: number, b: number) => boolean): void {
  let [from, to] = [0, items.length - 1]
  while (from < to) {
    const pivot = items[(from + to) >> 1] as number
    let [low, high] = [from, to]
    while (low <= high) {
      while (isBefore(items[low] as number, pivot)) low++
      while (isBefore(pivot, items[high] as number)) high--
      if (low > high) break
      const item = items[low] as number
      items[low++] = items[high] as number
      items[high--] = item
    }
    // What lies between `high` and `low` equals the pivot.
    if (count <= high) to = high
    else if (count >= low) from = low
    else return
  }
}

/** Reorders items so that those that pass a test come before all others. @returns how many these are */
export function moveFirst(items: Int32Array, isFirst: (item: number) => boolean): number {
  let first = 0
  for (let i = 0; i < items.length; i++) {
    const item = items[i] as number
    if (!isFirst(item)) continue
    items[i] = items[first] as number
    items[first++] = item
  }
  return first
}
