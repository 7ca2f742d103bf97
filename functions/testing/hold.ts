import { unchecked } from '../../shared/unchecked.ts'
import type { AuthDeps } from '../deps.ts'
import type { Functions } from './functions.ts'

/** A call that a use case waits for: a dependency, and its method unless it is a function itself. */
export type Step = readonly [dependency: keyof AuthDeps, method: string | undefined]
type Slow = (...given: unknown[]) => Promise<unknown>

/**
 * Lets something else happen in the middle of a use case: `act` runs once, before or after the first call of the step.
 * The caller puts the dependency back by `functions.restore()`.
 */
export function holdStep(
  functions: Functions,
  [name, method]: Step,
  when: 'before' | 'after',
  act: () => Promise<unknown>,
): void {
  // A step is chosen by its name, so its arguments have no type here; they are passed on as they came.
  const dependency = unchecked<Record<string, Slow> & Slow>(functions.deps.auth[name])
  const real = method === undefined ? dependency : dependency[method]
  if (!real) throw new Error(`There is no ${name}.${method}.`)
  let done = false
  const actOnce = async () => {
    if (done) return
    done = true
    await act()
  }
  const held: Slow = async (...given) => {
    if (when === 'before') await actOnce()
    const value = await real.apply(dependency, given)
    if (when === 'after') await actOnce()
    return value
  }
  functions.replace({ [name]: method === undefined ? held : { ...dependency, [method]: held } })
}
