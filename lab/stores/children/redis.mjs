// The embedded Redis, in a process of its own: in memory only, on loopback only, reachable by every process of the lab.
import { createRedisServer } from 'js-redis-server'

const server = await createRedisServer({ port: Number(process.argv[2] ?? 0) })
process.on('SIGTERM', async () => {
  await server.close()
  process.exit(0)
})
process.send({ type: 'ready', port: server.port })
