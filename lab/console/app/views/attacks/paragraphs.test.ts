import { expect, test } from 'vitest'
import { actorTone, paragraphs } from './paragraphs.ts'

test('a story has no empty paragraphs nor what its page shows already, and equal lines stay apart', () => {
  const shown = paragraphs([
    { at: 1, who: null, ms: null, text: 'Stolen session, web\n' },
    { at: 1, who: null, ms: null, text: '\n' },
    { at: 1, who: null, ms: null, text: 'T1539 Steal Web Session Cookie, T1550.004 Use Alternate' },
    { at: 1, who: null, ms: null, text: 'Web Session Cookie' },
    { at: 1, who: null, ms: null, text: 'Run a-a0e2e187, seed 7.' },
    { at: 2, who: 'thief', ms: 3, text: 'is in' },
    { at: 2, who: 'thief', ms: 3, text: 'is in' },
    { at: 3, who: null, ms: null, text: 'No honest person is' },
    { at: 3, who: null, ms: null, text: 'locked out.' },
  ])
  expect(shown.map(({ text }) => text)).toEqual([
    'Stolen session, web',
    'is in',
    'is in',
    'No honest person is locked out.',
  ])
  expect(new Set(shown.map(({ key }) => key)).size).toBe(4)
})

test('actors have the colour of their side', () => {
  expect(['thief', 'containment', 'crossing', 'you'].map(actorTone)).toEqual(['danger', 'info', 'warning', 'good'])
})
