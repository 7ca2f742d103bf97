// The embedded Redis, in a separate process. It keeps its data in memory and listens on loopback. Every process of the lab
// that has the password can use it.
import { createRedisServer } from 'js-redis-server'

const HOST = '127.0.0.1'

// createRedisServer takes no host, and listens on every address of the machine. It hands its port to Node's `listen` as
// it is, which takes an object as well.
const server = await createRedisServer({ port: { port: Number(process.argv[2] ?? 0), host: HOST } })
const { address } = server.server.server.address()
if (address !== HOST) throw new Error(`The embedded Redis listens on ${address} and not on ${HOST}`)
// As Redis does: a second reply on a connection would otherwise wait 40 ms for the first one's acknowledgement.
server.server.server.on('connection', (socket) => socket.setNoDelay(true))
// createRedisServer takes no password, but the state that it serves does. It is set before the port is sent to anybody.
server.state.requirepass = process.env.REDIS_PASSWORD
process.on('SIGTERM', async () => {
  await server.close()
  process.exit(0)
})
process.send({ type: 'ready', port: server.port })
