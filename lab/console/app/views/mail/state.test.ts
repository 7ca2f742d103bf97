import { expect, test } from 'vitest'
import { isAbout, piecesOf } from './state.ts'

test('a link in a mail ends before the punctuation of its sentence', () => {
  expect(piecesOf('Open http://localhost:8000/confirm#token=a.b-c. It is\nvalid (https://x.example/a).')).toEqual([
    { text: 'Open ', isLink: false },
    { text: 'http://localhost:8000/confirm#token=a.b-c', isLink: true },
    { text: '. It is\nvalid (', isLink: false },
    { text: 'https://x.example/a', isLink: true },
    { text: ').', isLink: false },
  ])
  expect(piecesOf('no link')).toEqual([{ text: 'no link', isLink: false }])
})

test('a mail is found by words of its receiver, subject or text, in any order', () => {
  const mail = {
    id: 1,
    at: '',
    from: '',
    to: ['ada@example.com'],
    subject: 'Confirm your address',
    text: 'Open the link',
  }
  expect([isAbout(mail, ''), isAbout(mail, 'LINK ada@'), isAbout(mail, 'link bob')]).toEqual([true, true, false])
})
