import express, { type RequestHandler, type Response } from 'express'
import type { ProblemError } from '../shared/problem.ts'
import { toProblem } from './problems.ts'

const FORM_LIMIT = '16kb'
const FORM_FIELDS = 20

export interface Form {
  /** The text fields that were sent once. A repeated field is rejected. */
  fields: Readonly<Partial<Record<string, string>>>
  /** Why the body could not be read; there are no fields then. */
  fault: ProblemError | undefined
}

/**
 * Reads a form and leaves a fault to the handler: a sign-in with an unreadable body is an attempt that functions must
 * count.
 */
export const readForm: RequestHandler = (request, response, next) => {
  parse(request, response, (error?: unknown) => {
    const fault = error === undefined ? undefined : toProblem(error)
    response.locals.form = { fields: fault ? {} : textsOf(request.body), fault } satisfies Form
    next()
  })
}

const parse = express.urlencoded({ extended: false, limit: FORM_LIMIT, parameterLimit: FORM_FIELDS, inflate: false })

/** The form with its fault, for handlers that pass on every attempt. */
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
