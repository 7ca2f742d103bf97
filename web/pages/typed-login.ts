import { isMailAddress, LOGIN_MAX } from '../../shared/auth/mail-address.ts'
import { PASSWORD_MAX } from '../../shared/auth/password-policy.ts'

/** The two fields of a sign-in or a registration, as they were sent. */
export interface TypedLogin {
  email?: string | undefined
  password?: string | undefined
}

/** What is wrong with a login that functions could not read, beside the field that is at fault. */
export function loginFault({ email = '', password = '' }: TypedLogin): { email?: string; password?: string } {
  const address = email.trim()
  if (address === '') return { email: 'Enter your email address.' }
  if (address.length > LOGIN_MAX) return { email: `An email address has at most ${LOGIN_MAX} characters.` }
  if (!isMailAddress(address)) return { email: 'Enter an email address such as name@example.com.' }
  const fault = passwordFault(password)
  return fault === undefined ? { email: 'Enter your email address and password once more.' } : { password: fault }
}

/** What is wrong with the form of a password. */
export function passwordFault(password: string): string | undefined {
  if (password === '') return 'Enter a password.'
  return password.length > PASSWORD_MAX ? `A password has at most ${PASSWORD_MAX} characters.` : undefined
}
