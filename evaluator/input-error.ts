/** Something that a person gave and that cannot be read: a file, a monitor, an expectation. Exit code 3. */
export class InputError extends Error {
  override readonly name: string = 'InputError'
}
