/** What a report of a replay shows: the groups that fired or came near, and what became of them. */
export { type MonitorStandings, type Standing, Standings } from './standings.ts'
export { type Evaluate, type Story, storiesOf } from './stories.ts'
