import { ProblemError } from '../../shared/problem.ts'
import { HashQueueFull } from './worker-pool.ts'

/** Whether the full queue prevented the check of a password. That is a fault of the service, not of the sender. */
export const isBusy = (error: unknown): boolean => error instanceof ProblemError && error.cause instanceof HashQueueFull
