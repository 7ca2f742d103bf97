// The embedded Redis, in a process of its own: in memory only, on loopback only, reachable by every process of the lab
// that knows the password.
import { createRedisServer } from 'js-redis-server'

const server = await createRedisServer({ port: Number(process.argv[2] ?? 0) })
// createRedisServer takes no password, and the state that it serves does; nobody has been told the port yet.
server.state.requirepass = process.env.REDIS_PASSWORD
process.on('SIGTERM', async () => {
  await server.close()
  process.exit(0)
})
process.send({ type: 'ready', port: server.port })
