/**
 * ApprovalApi over HTTP, for proxies in other processes. A refusal that the service decided carries `verdict: true`; anything else that
 * is no success says only that nothing was decided. Stored answers travel as frames.
 */
import { isRefusal, refuse } from '@lockkeeper/domain/errors'
import type { ApprovalApi, Outcome } from '@lockkeeper/domain/ports'
import { frame, FRAME_TYPE, rawBody, sendProblem, sendVerdict, strictJson, unframe } from '@lockkeeper/service-kit/server'
import express, { type Request, type Response, type Router } from 'express'
import { z } from 'zod'
import { MAX_RECEIPT_BYTES } from './receipt-box.ts'

/** Prefix of all routes: what the proxies' guard has to cover. */
export const API_PATH = '/v1/service'

const SMALL_BYTES = 64 * 1024
/** The largest answer that is kept, and the facts before it. */
const COMPLETION_BYTES = MAX_RECEIPT_BYTES + 512 * 1024

const approval = z.string().regex(/^apr_[A-Za-z0-9]{3,60}$/)
const name = z.string().min(1).max(512)
const why = z.string().max(2_000)
const attach = z.strictObject({ issuer: name, agent: name, run: name, digest: name, idempotencyKey: z.string().max(512).optional() })
const claimBody = z.strictObject({ approval, attach, decisionHash: name, stateHash: z.string().max(4_096).optional(), holder: z.string().min(1).max(256), claimId: z.string().min(8).max(64) })
const ofAttach = z.strictObject({ approval, attach })
const completion = z.strictObject({
  approval, fence: z.string().min(1).max(128),
  outcome: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('not_sent'), why }),
    z.strictObject({ kind: z.literal('unknown'), why }),
    z.strictObject({
      kind: z.literal('answered'), status: z.number().int().min(100).max(599), delivered: z.boolean(),
      answer: z.strictObject({ status: z.number().int().min(100).max(599), headers: z.array(z.string().max(65_536)).max(1_000) }).optional(),
    }),
  ]),
})

export function createApiRoutes(api: ApprovalApi): Router {
  const router = express.Router({ caseSensitive: true })
  router.post(`${API_PATH}/claims`, ...strictJson(SMALL_BYTES), async (request, response) => {
    const body = read(claimBody, request.body, response)
    if (body === undefined) return
    const claimed = await api.claim(defined(body))
    if (isRefusal(claimed)) return sendVerdict(response, claimed)
    response.set('cache-control', 'no-store').json(claimed)
  })
  router.post(`${API_PATH}/completions`, rawBody(COMPLETION_BYTES), async (request, response) => {
    const framed = unframe(request.body)
    const body = read(completion, framed?.facts, response)
    if (body === undefined || framed === undefined) return
    const refused = await api.complete({ ...body, outcome: outcomeOf(body.outcome, framed.bytes) })
    if (isRefusal(refused)) return sendVerdict(response, refused)
    response.status(204).end()
  })
  router.post(`${API_PATH}/receipts`, ...strictJson(SMALL_BYTES), async (request: Request, response: Response) => {
    const body = read(ofAttach, request.body, response)
    if (body === undefined) return
    const answer = await api.receipt(defined(body))
    if (isRefusal(answer)) return sendVerdict(response, answer)
    const { body: bytes, ...facts } = answer
    response.set('cache-control', 'no-store').type(FRAME_TYPE).send(frame(facts, bytes))
  })
  router.post(`${API_PATH}/deliveries`, ...strictJson(SMALL_BYTES), async (request, response) => {
    const body = read(ofAttach, request.body, response)
    if (body === undefined) return
    await api.delivered(defined(body))
    response.status(204).end()
  })
  return router
}

function read<T>(schema: z.ZodType<T>, given: unknown, response: Response): T | undefined {
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  sendProblem(response, refuse('REQUEST_INVALID', parsed.error.issues.slice(0, 5).map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')))
  return undefined
}

/** What JSON left out is absent, as the ports' types say; zod's say that it may be undefined. */
function defined<T extends object>(body: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return body as { [K in keyof T]: Exclude<T[K], undefined> }
}

function outcomeOf(outcome: z.output<typeof completion>['outcome'], body: Buffer): Outcome {
  if (outcome.kind !== 'answered') return outcome
  const { answer, ...rest } = outcome
  return answer === undefined ? rest : { ...rest, answer: { ...answer, body } }
}
