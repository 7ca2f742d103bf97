import type { SessionView } from '../api.ts'
import { live } from './live.ts'

/** The addresses of a browser on this machine: the edge has copied only the cookies of these. */
const HERE = /^(127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/

/** Whether a session is of a browser on this machine and can be robbed from here. */
const isMine = ({ ended_at, holders }: SessionView): boolean =>
  ended_at === null && holders.some(({ ip }) => ip !== null && HERE.test(ip))

const canRob = (): boolean => live.info.value?.can.includes('mine') ?? false

/** Whether somebody on this machine is signed in, so that "my session" names one. */
export const hasMine = (): boolean => canRob() && live.sessions.value.some(isMine)

export const canBeRobbed = (session: SessionView): boolean => canRob() && isMine(session)
