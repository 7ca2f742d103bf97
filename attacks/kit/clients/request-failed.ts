/** A request that got no usable answer: the run cannot say anything then. */
export class RequestFailed extends Error {
  override readonly name = 'RequestFailed'
}
