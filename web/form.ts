import express, { type RequestHandler, type Response } from 'express'
import type { ProblemError } from '../shared/problem.ts'
import { toProblem } from './problems.ts'

const FORM_LIMIT = '16kb'
const FORM_FIELDS = 20

export interface Form {
  /** What was sent once, as text. A field that was sent twice is none. */
  fields: Readonly<Partial<Record<string, string>>>
  /** Why the body could not be read; the fields are empty then. */
  fault: ProblemError | undefined
}

/**
 * Reads a form, and leaves a fault to the handler: a sign-in with an unreadable body is still an attempt that functions
 * has to hear of.
 */
export const readForm: RequestHandler = (request, response, next) => {
  parse(request, response, (error?: unknown) => {
    const fault = error === undefined ? undefined : toProblem(error)
    response.locals.form = { fields: fault ? {} : textsOf(request.body), fault } satisfies Form
    next()
  })
}

const parse = express.urlencoded({ extended: false, limit: FORM_LIMIT, parameterLimit: FORM_FIELDS, inflate: false })

/** The form, whatever became of it: for handlers that pass every attempt on. */
export const attemptOf = (response: Response): Form => response.locals.form

/** @throws ProblemError if the body could not be read */
export function formOf(response: Response): Form['fields'] {
  const { fields, fault } = attemptOf(response)
  if (fault) throw fault
  return fields
}

function textsOf(body: unknown): Form['fields'] {
  const entries = Object.entries(typeof body === 'object' && body !== null ? body : {})
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}
