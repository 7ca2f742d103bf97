import type { RequestListener } from 'node:http'

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i

/**
 * In the lab web is behind the edge of the lab, on its own port, which any page on this machine can reach. It answers
 * only if the Host is a loopback name, which stops DNS rebinding.
 */
export function loopbackOnly(answer: RequestListener): RequestListener {
  return (request, response) => {
    const { host = '', origin } = request.headers
    if (LOOPBACK.test(host) && (origin === undefined || LOOPBACK.test(origin.replace(/^https?:\/\//, '')))) {
      return answer(request, response)
    }
    request.resume()
    response.writeHead(403, { 'Content-Type': 'text/plain; charset=utf-8' }).end('This lab answers to loopback only.\n')
  }
}
