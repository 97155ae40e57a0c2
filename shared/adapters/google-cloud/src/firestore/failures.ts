/** What Firestore's failures mean to whoever called. Codes are google.rpc.Code. */
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { inFewWords } from '../google-call.ts'

const INVALID_ARGUMENT = 3
const DEADLINE_EXCEEDED = 4
const NOT_FOUND = 5
const ALREADY_EXISTS = 6
const PERMISSION_DENIED = 7
const FAILED_PRECONDITION = 9
const ABORTED = 10

/** UNKNOWN, ABORTED, INTERNAL, UNAVAILABLE: a read may simply be asked again. */
const REPEATABLE: ReadonlySet<number> = new Set([2, ABORTED, 13, 14])
/** NOT_FOUND: what should have been as it was is gone. A database that is not there is told by the read that comes first. */
const CONFLICTS: ReadonlySet<number> = new Set([NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION, ABORTED])
/** They will be said again: no index, no permission, no database. */
const LASTING: ReadonlySet<number> = new Set([INVALID_ARGUMENT, NOT_FOUND, PERMISSION_DENIED, FAILED_PRECONDITION])

function codeOf(error: unknown): number | undefined {
  const { code } = (error ?? {}) as { readonly code?: unknown }
  return typeof code === 'number' ? code : undefined
}

/** Whether a commit certainly did not happen because somebody else was there first: a precondition did not hold, or two commits met. */
export function isConflict(error: unknown): boolean {
  return CONFLICTS.has(codeOf(error) ?? -1)
}

export const isDeadline = (error: unknown): boolean => codeOf(error) === DEADLINE_EXCEEDED
export const isRepeatable = (error: unknown): boolean => REPEATABLE.has(codeOf(error) ?? -1)
export const isLasting = (error: unknown): boolean => LASTING.has(codeOf(error) ?? -1)

/** Our mistakes stay TypeErrors; everything else is an outage to whoever needs it now. */
export function portError(what: string, error: unknown): Error {
  if (error instanceof TypeError || error instanceof PortUnavailable) return error
  if (codeOf(error) === INVALID_ARGUMENT) return new TypeError(`Firestore refuses ${what}`, { cause: inFewWords(error) })
  return new PortUnavailable(`Firestore: ${what} failed`, { cause: inFewWords(error) })
}

/** Rejects with PortUnavailable after `ms`; what runs on is looked at no more. */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new PortUnavailable(`Firestore: ${what} took longer than ${Math.round(ms)} ms`)), ms)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
