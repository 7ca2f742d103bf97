import bcrypt from 'bcryptjs'
import { answerWork } from './answer-work.ts'

/** One worker of the pool: bcrypt costs a tenth of a second of pure computation, which no request may wait behind. */
export type HashJob = { kind: 'hash'; input: string; cost: number } | { kind: 'compare'; input: string; hash: string }

answerWork((job: HashJob) =>
  job.kind === 'hash' ? bcrypt.hashSync(job.input, job.cost) : bcrypt.compareSync(job.input, job.hash),
)
