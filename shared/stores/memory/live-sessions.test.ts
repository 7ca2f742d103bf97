import { LIFETIMES, liveSessionsContract } from '../contract/live-sessions.ts'
import { createMemorySessions } from './live-sessions.ts'

liveSessionsContract(createMemorySessions(LIFETIMES))
