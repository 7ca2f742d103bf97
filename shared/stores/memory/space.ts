/** What one store keeps, as maps of the ports over it: so that all of it can be lost, or put back as it was once. */
export interface MemorySpace {
  /** A new map of the space. Its values are replaced, never changed: a copy of the map is then a copy of all. */
  map<V>(): Map<string, V>
  clear(): void
  /** @returns a function that puts everything back as it is now */
  snapshot(): () => void
}

export function createMemorySpace(): MemorySpace {
  const maps: Map<string, unknown>[] = []
  const clear = () => {
    for (const map of maps) map.clear()
  }
  return {
    map<V>() {
      const map = new Map<string, V>()
      maps.push(map)
      return map
    },
    clear,
    snapshot() {
      const copies = maps.map((map) => [...map])
      return () => {
        clear()
        for (const [index, copy] of copies.entries()) for (const [key, value] of copy) maps[index]?.set(key, value)
      }
    },
  }
}
