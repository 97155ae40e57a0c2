/** The OpenAPI 3.1 document of one service, made of the operations that `serve` checks requests with. For generators: no service loads it. */
import { ERRORS, refuse, type ErrorReason } from '@lockkeeper/domain/errors'
import { z } from 'zod'
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject, type ZodOpenApiResponseObject } from 'zod-openapi'
import { FRAME_TYPE } from '../server/frame.ts'
import { checkReasons, problemSchema, problemWith, type AnswerShape, type Body, type Media, type Operation } from '../server/operation.ts'
import { problemOf } from '../server/problem.ts'

export interface Api {
  readonly title: string
  readonly version: string
  readonly description: string
  readonly servers: readonly { readonly url: string, readonly description: string }[]
  /** Tag → what its operations are about. */
  readonly tags: Readonly<Record<string, string>>
  /** Who may call: name of the scheme → whose token it is, or the cookie that says who is there. */
  readonly callers: Readonly<Record<string, string | { readonly cookie: string, readonly about: string }>>
  /** What every operation may answer besides. */
  readonly always: readonly ErrorReason[]
  readonly operations: readonly Operation[]
}

const TYPES: Readonly<Record<Media, string>> = { json: 'application/json', frame: FRAME_TYPE, lines: 'application/x-ndjson', text: 'text/plain' }
const PROBLEM_TYPE = 'application/problem+json'

/** TypeError where two operations have one id, or one method and path. */
export function openApiDocument({ title, version, description, servers, tags, callers, always, operations }: Api): object {
  const ids = new Set(operations.map(({ id }) => id))
  const places = new Set(operations.map(({ method, path }) => `${method} ${path}`))
  if (ids.size !== operations.length || places.size !== operations.length) throw new TypeError(`${title}: two operations have one id or one place`)
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {}
  const shared = sharedProblems(always)
  for (const operation of operations) (paths[operation.path] ??= {})[operation.method] = operationObject(operation, always, shared)
  return createDocument({
    openapi: '3.1.0',
    info: { title, version, description, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [...servers],
    tags: Object.entries(tags).map(([name, about]) => ({ name, description: about })),
    paths: paths as ZodOpenApiPathsObject,
    components: { schemas: factsOf(operations), securitySchemes: Object.fromEntries(Object.entries(callers).map(([name, whose]) => [name, typeof whose === 'string' ? { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: whose } as const : { type: 'apiKey', in: 'cookie', name: whose.cookie, description: whose.about } as const])) },
  })
}

function operationObject(operation: Operation, always: readonly ErrorReason[], shared: Shared): ZodOpenApiOperationObject {
  const { id, tag, summary, description, caller = 'operator', params, query, headers, body } = operation
  return {
    operationId: id, tags: [tag], summary, ...description === undefined ? {} : { description }, security: [caller === 'anyone' ? {} : { [caller]: [] }],
    requestParams: { ...params === undefined ? {} : { path: params }, ...query === undefined ? {} : { query }, ...headers === undefined ? {} : { header: headerSchema(headers) } } as NonNullable<ZodOpenApiOperationObject['requestParams']>,
    ...body === undefined ? {} : { requestBody: { required: true, content: { [TYPES[body.as ?? 'json']]: bodyObject(id, body) } } },
    responses: { ...answerObject(id, operation.answer), ...problemObjects(operation, always, shared) },
  } as ZodOpenApiOperationObject
}

function headerSchema(headers: NonNullable<Operation['headers']>): z.ZodObject {
  return z.object(Object.fromEntries(Object.entries(headers).map(([name, { schema, description }]) => [name, schema.meta({ description })])))
}

function bodyObject(id: string, { schema, as, example }: Body): object {
  return as === 'frame' ? { schema: frameSchema(id, 'Sent') } : { schema, example }
}

/** A frame is bytes to OpenAPI: its facts stand among the components. */
function frameSchema(id: string, direction: 'Sent' | 'Answered'): object {
  return { type: 'string', format: 'binary', description: `Four bytes of length (big endian), so many bytes of JSON, then the bytes of the answer as they are. The JSON: #/components/schemas/${factsName(id, direction)}.` }
}

function factsName(id: string, direction: 'Sent' | 'Answered'): string {
  return `${id.slice(0, 1).toUpperCase()}${id.slice(1)}${direction}`
}

function factsOf(operations: readonly Operation[]): Readonly<Record<string, z.ZodType>> {
  return Object.fromEntries(operations.flatMap(({ id, body, answer }) => [
    ...body?.as === 'frame' ? [[factsName(id, 'Sent'), body.schema.meta({ unusedIO: 'input', examples: [body.example] })] as const] : [],
    ...answer.as === 'frame' && answer.schema !== undefined ? [[factsName(id, 'Answered'), answer.schema.meta({ unusedIO: 'output', examples: [answer.example] })] as const] : [],
  ]))
}

function answerObject(id: string, { description, schema, as = 'json', text, headers, example }: AnswerShape): Readonly<Record<string, ZodOpenApiResponseObject>> {
  if (schema === undefined) return { 204: { description } }
  const content = as === 'frame' ? { schema: frameSchema(id, 'Answered') } : { schema, ...example === undefined ? {} : { example } }
  return {
    200: {
      description: as === 'lines' ? `${description} One JSON value a line.` : description,
      ...headers === undefined ? {} : { headers: Object.fromEntries(Object.entries(headers).map(([name, about]) => [name, { description: about, schema: { type: 'string' } }])) },
      content: { [TYPES[as]]: content, ...text === undefined ? {} : { 'text/plain': { schema: { type: 'string', description: text } } } },
    } as ZodOpenApiResponseObject,
  }
}

type Shared = ReadonlyMap<number, { readonly reasons: string, readonly response: ZodOpenApiResponseObject }>

/** What every operation may answer besides, once for all of them. */
function sharedProblems(always: readonly ErrorReason[]): Shared {
  return new Map([...Map.groupBy(always, (reason) => ERRORS[reason].http)].map(([status, reasons]) => [status, { reasons: reasons.join(), response: { id: `Problem${status}`, ...problemObject(reasons) } }]))
}

/** One answer a status, with an example for each reason. */
function problemObjects(operation: Operation, always: readonly ErrorReason[], shared: Shared): Readonly<Record<string, ZodOpenApiResponseObject>> {
  const { body, refusals = [], problems = {} } = operation
  const byStatus = Map.groupBy(new Set([...checkReasons(operation), ...always, ...refusals]), (reason) => ERRORS[reason].http)
  const plain = [...byStatus].map(([status, reasons]) => {
    const known = shared.get(status)
    return [String(status), known?.reasons === reasons.join() ? known.response : problemObject(reasons)] as const
  })
  const tooLarge = body === undefined ? [] : [['413', { ...problemObject(['REQUEST_INVALID'], { status: 413 }), description: `REQUEST_INVALID: the body is over ${(body.bytes ?? 65_536) / 1024} KiB.` }] as const]
  const own = Object.entries(problems).map(([status, { description, reason, members }]) => [status, { ...problemObject([reason], { status: Number(status), members }), description: `${reason}: ${description}` }] as const)
  return Object.fromEntries([...plain, ...tooLarge, ...own].sort(([left], [right]) => Number(left) - Number(right)))
}

function problemObject(reasons: readonly ErrorReason[], { status, members }: { readonly status?: number, readonly members?: Parameters<typeof problemWith>[0] | undefined } = {}): ZodOpenApiResponseObject {
  const example = (reason: ErrorReason): object => ({ ...problemOf(refuse(reason, ERRORS[reason].help)), ...status === undefined ? {} : { status } })
  const examples = Object.fromEntries(reasons.map((reason) => [reason, { value: example(reason) }]))
  return { description: `${reasons.join(', ')}: see docs/errors.md.`, content: { [PROBLEM_TYPE]: { schema: members === undefined ? problemSchema : problemWith(members), ...members === undefined ? { examples } : {} } } }
}
