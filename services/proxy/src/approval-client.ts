/**
 * ApprovalApi over HTTP. Every call is bounded in time and asked again where that is safe: completing, reading and marking are
 * idempotent, and a claim has a name, so that a lost answer is asked for again and gets the same fence.
 */
import { randomUUID } from 'node:crypto'
import { ERRORS, isRefusal, refuse, type ErrorReason, type Refusal } from '@lockkeeper/domain/errors'
import { PortUnavailable, type ApprovalApi, type Claim, type StoredAnswer } from '@lockkeeper/domain/ports'
import type { Log } from '@lockkeeper/service-kit'
import { frame, unframe } from '@lockkeeper/service-kit/server'
import { z } from 'zod'
import { createServiceCalls, type ServiceAnswer, type ServiceCalls, type ServiceCallsOptions } from './service-calls.ts'

export interface ApprovalClientOptions extends ServiceCallsOptions {
  readonly log: Log
  /** Ms for one attempt to claim. Default 2,000: two attempts leave time to dial within the claim's 5 s. */
  readonly claimMs?: number
  /** Ms for one attempt of anything else. Default 5,000. */
  readonly callMs?: number
}

export interface ApprovalClient extends ApprovalApi {
  /** Ends what is under way, and gives back claims whose answer was lost for as long as `ms` (default 2,000). */
  close(ms?: number): Promise<void>
}

/** As in the service: a larger answer is not kept, only its status. */
const MAX_RECEIPT_BYTES = 4 * 1024 * 1024
const CLAIM_ATTEMPTS = 2
const CALL_ATTEMPTS = 3
/** Claims whose answer was lost, and for how long each is asked for, so that it can be given back. */
const MAX_LOST = 100
const LOST_FOR_MS = 60_000
const LOST_EVERY_MS = 1_000

const claimAnswer = z.strictObject({ fence: z.string().min(1).max(128), dialWithinMs: z.number().int().min(1).max(600_000) })
const storedAnswer = z.strictObject({ status: z.number().int().min(100).max(599), headers: z.array(z.string()) })
const problem = z.looseObject({ reason: z.string(), detail: z.string(), verdict: z.literal(true), metadata: z.record(z.string(), z.string()).optional() })

type ClaimRequest = Parameters<ApprovalApi['claim']>[0]

export function createApprovalClient(options: ApprovalClientOptions): ApprovalClient {
  const { log, claimMs = 2_000, callMs = 5_000 } = options
  const calls: ServiceCalls = createServiceCalls(options)
  const lost = new Map<string, Promise<void>>()
  const closing = new AbortController()

  const json = (path: string, body: object, ms: number, attempts: number): Promise<ServiceAnswer> =>
    calls.post(`/v1/service/${path}`, Buffer.from(JSON.stringify(body)), 'application/json', ms, attempts)
  const askClaim = async (body: ClaimRequest, attempts: number): Promise<Claim | Refusal> => verdictOr(await json('claims', body, claimMs, attempts), (answer) => parsed(claimAnswer, JSON.parse(answer.body.toString('utf8'))))
  const complete: ApprovalApi['complete'] = async ({ approval, fence, outcome }) => {
    const { answer, ...rest } = outcome.kind === 'answered' ? outcome : { answer: undefined, ...outcome }
    const kept = answer === undefined || answer.body.length > MAX_RECEIPT_BYTES ? undefined : answer
    const facts = { approval, fence, outcome: kept === undefined ? rest : { ...rest, answer: { status: kept.status, headers: kept.headers } } }
    const answered = await calls.post('/v1/service/completions', frame(facts, kept?.body), 'application/octet-stream', callMs, CALL_ATTEMPTS)
    return verdictOr(answered, () => undefined)
  }

  /** A claim that nobody knows of would block the call until it counts as unknown: it is asked for until it can be given back. */
  function giveBack(body: ClaimRequest & { readonly claimId: string }): void {
    if (lost.size >= MAX_LOST) return log.warn({ approval: body.approval }, 'the answer to a claim was lost; should it have been taken, it shows as unknown')
    const work = seek(body).catch((error: unknown) => log.warn({ approval: body.approval, error: (error as Error).message }, 'the answer to a claim was lost; should it have been taken, it shows as unknown'))
    lost.set(body.claimId, work)
    void work.finally(() => lost.delete(body.claimId))
  }

  async function seek(body: ClaimRequest): Promise<void> {
    for (let left = LOST_FOR_MS / LOST_EVERY_MS; ; left--) {
      try {
        const claimed = await askClaim(body, 1)
        if (!isRefusal(claimed)) await complete({ approval: body.approval, fence: claimed.fence, outcome: { kind: 'not_sent', why: 'the answer to the claim was lost, and nothing was sent' } })
        return
      } catch (error) {
        if (!(error instanceof PortUnavailable) || left <= 0 || closing.signal.aborted) throw error
      }
      await pause(LOST_EVERY_MS, closing.signal)
    }
  }

  return {
    async claim(request) {
      const body = { ...request, claimId: request.claimId ?? randomUUID() }
      try {
        return await askClaim(body, CLAIM_ATTEMPTS)
      } catch (error) {
        if (error instanceof PortUnavailable) giveBack(body)
        throw error
      }
    },
    complete,
    receipt: async (request) => verdictOr(await json('receipts', request, callMs, CALL_ATTEMPTS), storedIn),
    delivered: async (request) => { verdictOr(await json('deliveries', request, callMs, CALL_ATTEMPTS), () => undefined) },
    async close(ms = 2_000) {
      const timer = setTimeout(() => closing.abort(), ms)
      await Promise.all(lost.values())
      clearTimeout(timer)
      await calls.close()
    },
  }
}

/** What the service refused is the answer; what merely did not work is an outage, whatever its status says. */
function verdictOr<T>(answer: ServiceAnswer, read: (answer: ServiceAnswer) => T): T | Refusal {
  if (answer.status >= 200 && answer.status < 300) return read(answer)
  let body: unknown
  try {
    body = JSON.parse(answer.body.toString('utf8'))
  } catch {
    // No problem+json: something between us and the service answered.
    body = undefined
  }
  const refused = problem.safeParse(body)
  if (!refused.success || !Object.hasOwn(ERRORS, refused.data.reason)) throw new PortUnavailable(`the approval service answered ${answer.status}`)
  const { reason, detail, metadata } = refused.data
  return refuse(reason as ErrorReason, { message: detail, ...metadata === undefined ? {} : { metadata } })
}

function storedIn({ body }: ServiceAnswer): StoredAnswer {
  const framed = unframe(body)
  return { ...parsed(storedAnswer, framed?.facts), body: framed?.bytes ?? Buffer.alloc(0) }
}

function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const read = schema.safeParse(value)
  if (!read.success) throw new PortUnavailable('the approval service answered with something else than was asked for')
  return read.data
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  signal.addEventListener('abort', () => {
    clearTimeout(timer)
    resolve()
  }, { once: true })
  return promise
}
