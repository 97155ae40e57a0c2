/** Whether a real answer is one of those that an operation's description promises: for contract tests. */
import { ERRORS, type ErrorReason } from '@lockkeeper/domain/errors'
import type { z } from 'zod'
import { FRAME_TYPE, unframe } from '../server/frame.ts'
import { checkReasons, problemSchema, problemWith, type Media, type Operation } from '../server/operation.ts'

export interface RealAnswer {
  readonly method: string
  /** With or without a query. */
  readonly path: string
  readonly status: number
  /** Content type as it came; empty: none. */
  readonly type: string
  readonly body: Uint8Array | string
}

const TYPES: Readonly<Record<Media, string>> = { json: 'application/json', frame: FRAME_TYPE, lines: 'application/x-ndjson', text: 'text/plain' }
const PROBLEM_TYPE = 'application/problem+json'

/** Undefined: no operation has this method and path. Where two fit, the one with fewer parameters does. */
export function operationAt(operations: readonly Operation[], method: string, path: string): Operation | undefined {
  const parts = (path.split('?')[0] ?? '').split('/')
  const fits = (operation: Operation): boolean => {
    const own = operation.path.split('/')
    return operation.method === method.toLowerCase() && own.length === parts.length && own.every((part, at) => part.startsWith('{') || part === parts[at])
  }
  return operations.filter(fits).sort((left, right) => left.path.split('{').length - right.path.split('{').length)[0]
}

/** What is wrong with an answer; empty: it is as described. `always`: reasons that every operation of the service may answer. */
export function answerFaults(operations: readonly Operation[], always: readonly ErrorReason[], answer: RealAnswer): readonly string[] {
  const operation = operationAt(operations, answer.method, answer.path)
  if (operation === undefined) return [`${answer.method} ${answer.path} is no described operation`]
  return (answer.status < 400 ? successFaults(operation, answer) : problemFaults(operation, always, answer)).map((fault) => `${operation.id} ${answer.status}: ${fault}`)
}

function successFaults({ answer: { schema, as = 'json', text } }: Operation, { status, type, body }: RealAnswer): readonly string[] {
  if (schema === undefined) return status === 204 && body.length === 0 ? [] : ['nothing was to be sent, with 204']
  const media = type.split(';')[0] ?? ''
  if (status !== 200) return ['the status is not described']
  if (text !== undefined && media === TYPES.text) return []
  if (media !== TYPES[as]) return [`the type ${media} is not described`]
  if (as === 'frame') return faultsOf(schema, unframe(Buffer.from(body))?.facts)
  if (as === 'text') return faultsOf(schema, Buffer.from(body).toString())
  return (as === 'lines' ? Buffer.from(body).toString().split('\n').filter((line) => line !== '') : [Buffer.from(body).toString()]).flatMap((json) => faultsOf(schema, JSON.parse(json)))
}

function problemFaults(operation: Operation, always: readonly ErrorReason[], { status, type, body }: RealAnswer): readonly string[] {
  const { refusals = [], problems = {} } = operation
  if (!type.startsWith(PROBLEM_TYPE)) return [`the type ${type} is not ${PROBLEM_TYPE}`]
  const problem = JSON.parse(Buffer.from(body).toString()) as { readonly reason?: ErrorReason, readonly status?: number }
  const { reason } = problem
  const own = problems[status]
  const expected = reason !== undefined && (own?.reason === reason || status === 413 && reason === 'REQUEST_INVALID' || ERRORS[reason]?.http === status && [...checkReasons(operation), ...refusals, ...always].includes(reason))
  return [...expected ? [] : [`${reason ?? 'no reason'} is not described`], ...problem.status === status ? [] : ['its status is another'], ...faultsOf(own?.members === undefined ? problemSchema : problemWith(own.members), problem)]
}

/** Answers are checked as they stand: no schema of an answer transforms. */
function faultsOf(schema: z.ZodType, value: unknown): readonly string[] {
  return schema.safeParse(value).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? []
}
