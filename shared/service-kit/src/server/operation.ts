/**
 * One operation of a service's API: what it takes, what it answers and what it refuses, said once. `serve` checks requests with it
 * and the OpenAPI document is made of it, so that neither can say what the other does not.
 */
import type { ErrorReason, Refusal } from '@lockkeeper/domain/errors'
import { z } from 'zod'

/** `json`; `frame` (frame.ts: these are the facts before the bytes); `lines`: one JSON value a line; `text`: plain text. */
export type Media = 'json' | 'frame' | 'lines' | 'text'

export interface Body {
  readonly schema: z.ZodType
  /** Bytes at most. Default 64 KiB. */
  readonly bytes?: number
  /** Default `json`. */
  readonly as?: 'json' | 'frame'
  /**
   * For bodies of megabytes: read by the platform's own parser, since the strict one would block the process for seconds. Of a repeated
   * key the last one counts, so only where nobody else judges the same bytes. Default: read strictly.
   */
  readonly large?: true
  /** A request that the schema takes. */
  readonly example: unknown
}

export interface AnswerShape {
  readonly description: string
  /** Absent: 204, nothing is sent. Of `text` too: a string. */
  readonly schema?: z.ZodType
  /** Default `json`. */
  readonly as?: Media
  /** The same answer as plain text for who accepts that alone. */
  readonly text?: string
  /** Header → what it says. */
  readonly headers?: Readonly<Record<string, string>>
  /** An answer that the schema takes. */
  readonly example?: unknown
}

export interface Operation {
  /** operationId: a verb and what it is about, unique in the service. */
  readonly id: string
  readonly method: 'get' | 'post' | 'put'
  /** As in OpenAPI: `/v1/approvals/{id}`. */
  readonly path: string
  readonly tag: string
  /** One line. */
  readonly summary: string
  readonly description?: string
  /** Whose token opens it; `session`: the cookie of who is signed in; `anyone`: nothing is asked for. Default `operator`. */
  readonly caller?: 'operator' | 'proxy' | 'session' | 'anyone'
  /** Strict objects. */
  readonly params?: z.ZodType
  readonly query?: z.ZodType
  /** Header → schema and meaning, for the document alone: the handler reads them. */
  readonly headers?: Readonly<Record<string, { readonly schema: z.ZodType, readonly description: string }>>
  readonly body?: Body
  readonly answer: AnswerShape
  /** Besides what `checkReasons` says, and what every operation of the service may answer. */
  readonly refusals?: readonly ErrorReason[]
  /** Problems with a status that is not their reason's, or with members of their own. */
  readonly problems?: Readonly<Record<number, { readonly description: string, readonly reason: ErrorReason, readonly members?: Readonly<Record<string, z.ZodType>> }>>
  /** Refusals are the decision itself (`verdict: true`). */
  readonly verdicts?: boolean
}

/** Keeps the schemas' own types. */
export function operation<const O extends Operation>(given: O): O {
  return given
}

/** What the check of a request itself may refuse with: a field, or JSON that can be read in two ways. */
export function checkReasons({ params, query, body }: Operation): readonly ErrorReason[] {
  return [...params === undefined && query === undefined && body === undefined ? [] : ['REQUEST_INVALID'] as const, ...body === undefined || body.large === true ? [] : ['REQUEST_AMBIGUOUS'] as const]
}

/** A fault of one field of a request. */
export const faultSchema = z.strictObject({
  in: z.enum(['path', 'query', 'body']),
  name: z.string().meta({ description: 'Path of the field: `scope.kind`. Empty: the whole body.' }),
  detail: z.string(),
})
export type Fault = z.output<typeof faultSchema>

const problemMembers = {
  type: z.string().meta({ description: '`https://lockkeeper.dev/errors/REASON`.' }),
  title: z.string().meta({ description: 'The reason.' }),
  status: z.int().min(400).max(599),
  detail: z.string().meta({ description: 'Public text: what happened, whether anything changed, what to do next.' }),
  reason: z.string().meta({ description: 'One of the reasons in docs/errors.md.' }),
  verdict: z.literal(true).optional().meta({ description: 'The service itself decided so; absent where the request never reached the decision.' }),
  errors: z.array(faultSchema).max(5).optional().meta({ description: 'The first fields that are wrong.' }),
  metadata: z.record(z.string(), z.string()).optional(),
  links: z.array(z.strictObject({ description: z.string(), url: z.string() })).optional(),
}

/** RFC 9457, with the reason of the one table of errors. */
export const problemSchema = z.strictObject(problemMembers).meta({ id: 'Problem', description: 'What every error answers (RFC 9457).' })

export function problemWith(members: Readonly<Record<string, z.ZodType>>): z.ZodType {
  return z.strictObject({ ...problemMembers, ...members })
}

/** What a handler returns that has answered by itself. */
export interface Sent { readonly sent: 'by the handler' }
export const SENT: Sent = { sent: 'by the handler' }

/** What JSON left out is absent, as the ports' types say; zod's say that it may be undefined. */
export type Present<T> = T extends readonly (infer U)[] ? Present<U>[] : T extends object ? { [K in keyof T]: Present<Exclude<T[K], undefined>> } : T
type Constant<T> = T extends readonly (infer U)[] ? readonly Constant<U>[] : T extends object ? { readonly [K in keyof T]: Constant<T[K]> } : T
type Read<S> = S extends z.ZodType ? Present<z.output<S>> : undefined

export interface Asked<O extends Operation> {
  readonly params: Read<O['params']>
  readonly query: Read<O['query']>
  readonly body: O['body'] extends { readonly schema: infer S } ? Read<S> : undefined
  /** Of a frame: what comes after the facts. */
  readonly bytes: Buffer
}

export type Answered<O extends Operation> = Sent | Refusal | (O['answer'] extends { readonly schema: infer S extends z.ZodType } ? Constant<z.output<S>> : undefined | void)
