import type { RequestHandler } from 'express'
import { logoShapes } from './icons.ts'

/** Every browser requests it, and it is small enough to be part of the program. */
const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><title>Mini ATO SaaS</title>
${logoShapes}</svg>
`

export const icon: RequestHandler = (_request, response) => {
  response.set('cache-control', 'public, max-age=86400').type('image/svg+xml').send(ICON)
}
