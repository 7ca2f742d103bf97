/** Counted in Unicode code points, because a password is the only factor until a second one is enrolled. */
export const PASSWORD_MIN = 15
const PASSWORD_MAX = 256

/** Long enough, and still the first that anybody tries. Compared whole, ignoring case. */
const COMMON = new Set([
  'passwordpassword',
  'password12345678',
  'password123456789',
  '123456789012345',
  '1234567890123456',
  '12345678901234567890',
  'qwertyuiopasdfgh',
  'qwertyuiopasdfghjkl',
  'qwertyuiop[]asdfghjkl',
  '1q2w3e4r5t6y7u8i9o0p',
  '1qaz2wsx3edc4rfv',
  'iloveyouiloveyou',
  'letmeinletmeinletmein',
  'correct horse battery staple',
  'correcthorsebatterystaple',
  'thisismypassword',
  'thequickbrownfox',
  'administrator123',
  'changemechangeme',
])

/**
 * Judges a new password. No rules of composition, nothing trimmed, no change by the calendar.
 * @returns why it is refused, for the person who chose it; undefined if it is accepted
 * @see NIST SP 800-63B-4 3.1.1.2
 */
export function weakness(password: string, email: string): string | undefined {
  const normal = password.normalize('NFKC')
  const length = [...normal].length
  if (length < PASSWORD_MIN) return `Use at least ${PASSWORD_MIN} characters; a few words in a row are fine.`
  if (length > PASSWORD_MAX) return `Use at most ${PASSWORD_MAX} characters.`
  const lower = normal.toLowerCase()
  if (COMMON.has(lower)) return 'This password is on the lists that attackers try first.'
  if (isRepetition(lower)) return 'This password repeats one short pattern.'
  if (lower === email || lower.replaceAll(/\s/g, '').startsWith(email))
    return 'A password must not be your email address.'
  return undefined
}

/** One pattern of at most four characters, over and over: `aaaa…`, `abcabc…`. */
function isRepetition(text: string): boolean {
  for (let period = 1; period <= 4; period++) {
    const pattern = text.slice(0, period)
    if (pattern.repeat(Math.ceil(text.length / period)).slice(0, text.length) === text) return true
  }
  return false
}
