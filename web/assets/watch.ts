/// <reference lib="dom" />
import type { SessionLife } from '../session-watch.ts'

// Says in an open page that its session is over, without a reload. Without script the next page says it.
const EVERY_MS = 5_000

let asking = false
const timer = setInterval(ask, EVERY_MS)
document.addEventListener('visibilitychange', ask)

async function ask(): Promise<void> {
  if (asking || document.visibilityState !== 'visible') return
  asking = true
  try {
    const answer = await fetch('/session')
    const life: SessionLife = answer.ok ? await answer.json() : { alive: true }
    if (!life.alive) end(life)
  } catch {
    // Without an answer nothing is known; the next question follows.
  } finally {
    asking = false
  }
}

function end({ title, detail }: Extract<SessionLife, { alive: false }>): void {
  clearInterval(timer)
  document.removeEventListener('visibilitychange', ask)
  const notice = document.createElement('div')
  notice.className = 'notice warning'
  notice.setAttribute('role', 'alert')
  const text = document.createElement('p')
  text.textContent = detail ?? title
  const more = document.createElement('a')
  // With its origin: a path such as //example.com alone would be an address of another site.
  more.href = location.origin + location.pathname
  more.textContent = 'What happened, and sign in again'
  const words = document.createElement('div')
  words.append(text, more)
  notice.append(words)
  document.getElementById('main')?.prepend(notice)
}
