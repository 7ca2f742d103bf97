// Stands for either app where the lab itself is under test: it listens, logs each request as an event, and ends badly
// when it is told to.
import { createServer } from 'node:http'

const server = createServer((request, response) => {
  if (request.url === '/crash') {
    console.error('told to crash')
    process.exit(3)
  }
  if (request.url === '/__health') return response.end('ok')
  const { url, headers } = request
  console.log(JSON.stringify({ evt: 'ping', url, timestamp: new Date().toISOString(), service: 'mini-ato-saas' }))
  response.end(JSON.stringify({ headers, env: process.env, pid: process.pid }))
})
process.on('SIGTERM', () => server.close(() => process.exit(0)))
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  process.send?.({ type: 'ready', port: server.address().port })
})
