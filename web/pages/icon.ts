import type { RequestHandler } from 'express'

/** Asked for by every browser, and small enough to be part of the program. */
const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><title>Mini ATO SaaS</title>
<rect width="32" height="32" rx="8" fill="#2f5bea"/><path d="M16 6l8 3v6c0 5.2-3.4 9-8 11-4.6-2-8-5.8-8-11V9z" fill="#fff"/>
<path d="M12.5 16l2.5 2.5 4.5-5" fill="none" stroke="#2f5bea" stroke-width="2.2" stroke-linecap="round"/></svg>
`

export const icon: RequestHandler = (_request, response) => {
  response.set('cache-control', 'public, max-age=86400').type('image/svg+xml').send(ICON)
}
