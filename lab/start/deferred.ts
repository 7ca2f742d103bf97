/** A promise and what settles it, apart: for an event that is awaited in one place and seen in another. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
}

/** What `Promise.withResolvers` is from Node 22 on. */
export function deferred<T = void>(): Deferred<T> {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
