import { UsageError } from 'alertproof/cli'
import * as z from 'zod'
import type { Account } from '../../attacks/kit/cast.ts'

const AccountEntry = z.strictObject({ email: z.email(), password: z.string().min(1).max(1024) })

/**
 * Reads existing accounts: a JSON list of {email, password}, or one such object per line.
 * @throws UsageError naming the entry without its values
 */
export function readAccounts(text: string, file: string): Account[] {
  const accounts = entriesOf(text, file).map(({ value, where }) => {
    const { success, data, error } = AccountEntry.safeParse(value)
    if (success) return data
    const fields = error.issues.map(({ path }) => path.join('.') || 'the entry')
    throw new UsageError(`${file}, ${where}: must be {"email", "password"}; wrong: ${[...new Set(fields)].join(', ')}`)
  })
  if (accounts.length === 0) throw new UsageError(`${file} holds no account: write at least one {"email", "password"}`)
  const seen = new Set<string>()
  for (const [index, { email }] of accounts.entries()) {
    if (seen.has(email.toLowerCase()))
      throw new UsageError(`${file}: account ${index + 1} repeats the email of an earlier one`)
    seen.add(email.toLowerCase())
  }
  return accounts
}

interface Entry {
  readonly value: unknown
  readonly where: string
}

function entriesOf(text: string, file: string): Entry[] {
  const content = text.replace(/^\uFEFF/, '').trim()
  if (content.startsWith('[')) {
    const list = parse(content, `${file} is not JSON`)
    return z
      .array(z.unknown())
      .parse(list)
      .map((value, index) => ({ value, where: `account ${index + 1}` }))
  }
  return content.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === '') return []
    const where = `line ${index + 1}`
    return [{ value: parse(line, `${file}, ${where}: is not JSON`), where }]
  })
}

function parse(text: string, fault: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new UsageError(fault) // the parser's message quotes the text, which holds passwords
  }
}
