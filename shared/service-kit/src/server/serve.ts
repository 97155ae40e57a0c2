/** Routes of described operations: the request is checked whole before the handler sees it, the answer is sent as described. */
import { isRefusal } from '@lockkeeper/domain/errors'
import express, { type Request, type RequestHandler, type Response, type Router } from 'express'
import type { z } from 'zod'
import { unframe } from './frame.ts'
import { SENT, type Answered, type Asked, type Body, type Fault, type Operation } from './operation.ts'
import { sendFaults, sendProblem, sendVerdict } from './problem.ts'
import { rawBody, strictJson } from './request-body.ts'

const SMALL_BYTES = 64 * 1024
const MOST_FAULTS = 5
const MOST_NAME = 200

type Handle<O extends Operation> = (asked: Asked<O>, request: Request, response: Response) => Answered<O> | Promise<Answered<O>>

/** What the handler throws goes to the router's error handler. */
export function serve<O extends Operation>(router: Router, operation: O, handle: Handle<O>): void {
  router[operation.method](expressPath(operation.path), ...bodyReaders(operation.body), async (request: Request, response: Response) => {
    const { asked, faults } = read(operation, request)
    if (faults.length > 0) return sendFaults(response, faults)
    const answer = await handle(asked as Asked<O>, request, response)
    if (answer === SENT) return
    if (isRefusal(answer)) return operation.verdicts === true ? sendVerdict(response, answer) : sendProblem(response, answer)
    if (operation.answer.schema === undefined) return void response.status(204).end()
    response.set('cache-control', 'no-store').json(answer)
  })
}

/** `{id}` → `:id`. */
function expressPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}

function bodyReaders(body: Body | undefined): readonly RequestHandler[] {
  if (body === undefined) return []
  if (body.large === true) return [express.json({ limit: body.bytes ?? SMALL_BYTES, strict: true, inflate: false, type: () => true })]
  return body.as === 'frame' ? [rawBody(body.bytes ?? SMALL_BYTES)] : strictJson(body.bytes ?? SMALL_BYTES)
}

function read({ params, query, body }: Operation, request: Request): { readonly asked: unknown, readonly faults: readonly Fault[] } {
  const framed = body?.as === 'frame' ? unframe(request.body) : undefined
  const given: readonly (readonly [Fault['in'], z.ZodType | undefined, unknown])[] = [['path', params, request.params], ['query', query, request.query], ['body', body?.schema, body?.as === 'frame' ? framed?.facts : request.body]]
  const faults: Fault[] = []
  const [path, asked, sent] = given.map(([place, schema, value]) => {
    const parsed = schema?.safeParse(place === 'body' ? value : { ...value as object })
    if (parsed?.success === false) faults.push(...faultsOf(place, parsed.error))
    return parsed?.data
  })
  return { asked: { params: path, query: asked, body: sent, bytes: framed?.bytes ?? Buffer.alloc(0) }, faults: faults.slice(0, MOST_FAULTS) }
}

/** Each unknown field by its own name. Texts are zod's and ours, never a value that was sent. */
function faultsOf(place: Fault['in'], { issues }: z.ZodError): readonly Fault[] {
  return issues.slice(0, MOST_FAULTS).flatMap((issue) => {
    const name = (last?: string): string => [...issue.path, ...last === undefined ? [] : [last]].join('.').slice(0, MOST_NAME)
    return issue.code === 'unrecognized_keys' ? issue.keys.slice(0, MOST_FAULTS).map((key) => ({ in: place, name: name(key), detail: 'is not known here' })) : [{ in: place, name: name(), detail: issue.message }]
  })
}
