// Before anything that reads the language.
import './language.ts'

import { render } from 'preact'
import { App } from './app.tsx'
import { startLive } from './live.ts'

startLive()
const root = document.getElementById('app')
if (root) {
  root.replaceChildren()
  render(<App />, root)
}
