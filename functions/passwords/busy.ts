import { ProblemError } from '../../shared/problem.ts'
import { HashQueueFull } from './worker-pool.ts'

/** Whether a password was not even looked at because the queue was full: the service's fault, never its sender's. */
export const isBusy = (error: unknown): boolean => error instanceof ProblemError && error.cause instanceof HashQueueFull
