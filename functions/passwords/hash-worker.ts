import bcrypt from 'bcryptjs'
import { answerWork } from './answer-work.ts'

/** A worker of the pool. bcrypt computes for a tenth of a second, which must not delay other requests. */
export type HashJob = { kind: 'hash'; input: string; cost: number } | { kind: 'compare'; input: string; hash: string }

answerWork((job: HashJob) =>
  job.kind === 'hash' ? bcrypt.hashSync(job.input, job.cost) : bcrypt.compareSync(job.input, job.hash),
)
