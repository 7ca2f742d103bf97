/** The maps of one store, so that all of its data can be lost or restored together. */
export interface MemorySpace {
  /** Adds a map to the space. Its values are replaced and never changed, so a copy of the map is a copy of the data. */
  map<V>(): Map<string, V>
  clear(): void
  /** @returns a function that restores the present state */
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
