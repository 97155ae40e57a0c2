/**
 * The dial: everything before it is on the passage as witnesses, and this function demands them all (invariant 1).
 * A change waits for its durable intent before the dial, a plain read before its first byte is released.
 */
import { isRefusal, LockkeeperError, refuse, type Refusal } from '@lockkeeper/domain/errors'
import { PortUnavailable, type Outcome, type StoredAnswer } from '@lockkeeper/domain/ports'
import { canInspect } from '@lockkeeper/masking'
import type { Dispatcher } from 'undici'
import { attachKeyOf } from '../attach.ts'
import type { Ending, Passage, Witnesses } from '../passage.ts'
import type { Parts } from '../parts.ts'
import { Answer, type AnswerPlan, type Finished } from './answer.ts'
import { CredentialEcho, EchoGuard } from './credential-echo.ts'
import { Dialogue, type DialogueEnd } from './dialogue.ts'
import { linkRewriter, rewriteUrl } from './gateway-urls.ts'
import type { ResponseHead } from './response-headers.ts'
import { recordedBody } from '../recorded-bodies.ts'
import { mapUpstreamFailure, TooLate } from './upstream-failures.ts'
import { buildUpstreamRequest } from './upstream-request.ts'

export type Complete = Passage & Witnesses

export function exchange(passage: Complete, parts: Parts): Promise<Ending | Refusal> {
  if (passage.granted.kind === 'receipt') return replay(passage, passage.granted.answer, passage.granted.approval, parts)
  return mustBeDurableFirst(passage)
    ? passage.intent.durable().then(() => dial(passage, parts), (error: unknown) => unsent(passage, error, parts))
    : dial(passage, parts)
}

function mustBeDurableFirst({ classified: { call }, granted }: Complete): boolean {
  return call.method.change || granted.kind !== 'not-needed' || call.method.risk === 'sensitive-read'
}

/** The log cannot take the intent: nothing is sent, and a claim is given back. */
async function unsent(passage: Complete, error: unknown, parts: Parts): Promise<Refusal> {
  if (!(error instanceof PortUnavailable)) throw error
  await settleClaim(passage, { kind: 'not_sent', why: 'the intent could not be recorded' }, parts)
  return refuse('AUDIT_UNAVAILABLE', { message: 'The audit log cannot take the record of this call, so it was not sent. Try again in a moment.', detail: error.message })
}

function dial(passage: Complete, parts: Parts): Promise<Ending | Refusal> {
  const { promise, resolve, reject } = Promise.withResolvers<Ending | Refusal>()
  const { call, target } = passage.classified
  const { claimed } = passage
  const left = (): void => {
    passage.gone ||= !passage.response.writableFinished
    // An approved change that is on its way is not cancelled by a client that leaves; a read is.
    if (!call.method.change && !passage.response.writableFinished) dialogue.abort(new ClientLeft())
  }
  const untrack = parts.open.track({ agent: passage.verified.agent.id, run: passage.verified.agent.run, target: target.name }, (error) => dialogue.abort(error))
  const dialogue = new Dialogue({
    onStart: () => claimed.kind === 'claim' && parts.clock.monotonic() > claimed.dialBy ? new TooLate() : passage.gone && claimed.kind !== 'claim' ? new ClientLeft() : undefined,
    location: (url) => locationFor(url, passage, parts),
    answer: (head, flow) => new Answer(head, planFor(head, passage, parts), passage.response, flow),
    end: (end) => {
      untrack()
      passage.response.off('close', left)
      finish(end, passage, parts).then(resolve, reject)
    },
  })
  passage.response.once('close', left)
  try {
    parts.upstreams.pool(target, call.host, call.method.change).dispatch(buildUpstreamRequest(passage) as Dispatcher.DispatchOptions, dialogue)
  } catch (error) {
    dialogue.onResponseError(undefined as never, error as Error)
  }
  return promise
}

export class ClientLeft extends Error {
  constructor() { super('the client left') }
}

function planFor(head: ResponseHead, passage: Complete, parts: Parts): AnswerPlan {
  const { call, target } = passage.classified
  const { obligations } = passage.decided.decision
  const { limits } = parts.settings
  const masker = parts.maskers.of(obligations.mask)
  const bodiless = head.status === 204 || head.status === 304 || head.contentLength === 0 || call.method.verb === 'HEAD'
  const inspect = canInspect(head.contentType, head.contentEncoding)
  if (masker !== undefined && inspect === 'no' && !bodiless) throw new LockkeeperError('CANNOT_MASK', `The answer must be masked (rule ${passage.decided.decision.rule}) and its content (${head.contentType ?? 'of no type'}) cannot be inspected, so nothing of it was released. ${call.method.change ? 'The call itself was sent.' : 'Nothing was changed.'}`)
  const approved = passage.claimed.kind === 'claim'
  const links = target.kind === 'google' && inspect === 'json' ? linkRewriter(passage.arrival) : undefined
  return {
    transform: { inspect, links, echo: new EchoGuard(passage.credential.authorization), ...(masker === undefined || bodiless ? {} : { masker }) },
    collect: approved ? limits.inspectBody : limits.collectBody,
    keep: call.method.returnsSecret ? 0 : approved ? limits.inspectBody : limits.recordBody,
    max: obligations.maxResponseBytes ?? Infinity,
    extra: ['X-Lockkeeper-Record', passage.intent.id],
    release: (body, headers) => release(head, body, headers, passage, parts),
  }
}

/** Before the first byte: the intent is durable and, for an approved call, its outcome is stored. */
function release(head: ResponseHead, body: Uint8Array | undefined, headers: readonly string[], passage: Complete, parts: Parts): Promise<void> {
  const durable = passage.intent.durable()
  if (passage.claimed.kind !== 'claim') return durable
  return durable.then(() => settleClaim(passage, outcomeOf(head.status, body, headers, passage), parts))
}

function outcomeOf(status: number, body: Uint8Array | undefined, headers: readonly string[], { classified: { call } }: Complete): Outcome {
  if (status === 429) return { kind: 'not_sent', why: 'the upstream answered 429' }
  if (status >= 500) return { kind: 'unknown', why: `the upstream answered ${status}` }
  const answer: StoredAnswer | undefined = body === undefined || call.method.returnsSecret ? undefined : { status, headers, body }
  return { kind: 'answered', status, delivered: false, ...(answer === undefined ? {} : { answer }) }
}

/** Tells the approval service how a claim ended. Its silence loses nothing: an unsettled claim becomes `unknown` by itself. */
async function settleClaim({ claimed, facts }: Complete, outcome: Outcome, { approval, log }: Parts): Promise<void> {
  if (claimed.kind !== 'claim') return
  try {
    const refused = await approval.complete({ approval: claimed.approval, fence: claimed.claim.fence, outcome })
    if (isRefusal(refused)) log.warn({ approval: claimed.approval, reason: refused.reason }, 'the outcome of an approved call came too late')
  } catch (error) {
    if (!(error instanceof PortUnavailable)) throw error
    log.error({ approval: claimed.approval, method: facts.method, error: error.message }, 'the outcome of an approved call could not be stored; it will show as unknown')
  }
}

async function finish(end: DialogueEnd, passage: Complete, parts: Parts): Promise<Ending | Refusal> {
  if (end.kind === 'answered') return answered(await end.answer.finished, end.answer, passage, parts)
  const { answer, error, sent } = end
  const failure = mapUpstreamFailure(error, sent, passage.classified.call.method.change)
  if (passage.claimed.kind === 'claim' && !(answer?.begun === true)) {
    await settleClaim(passage, sent && !(error instanceof TooLate) ? { kind: 'unknown', why: error.message } : { kind: 'not_sent', why: error.message }, parts)
  }
  if (error instanceof ClientLeft || passage.gone) return { result: sent && passage.classified.call.method.change ? 'unknown' : 'left', status: 499, detail: error.message, responseBytes: 0 }
  if (error instanceof CredentialEcho) parts.log.error({ record: passage.intent.id, target: passage.classified.target.name }, 'an upstream answered with the credential that it was sent; the answer was stopped')
  if (passage.response.headersSent) {
    passage.response.destroy()
    return { result: 'failed', status: answer?.head.status ?? 502, reason: failure.reason, detail: failure.detail ?? failure.message, responseBytes: 0 }
  }
  return passage.claimed.kind === 'claim' && sent && !(error instanceof LockkeeperError)
    ? refuse('OUTCOME_UNKNOWN', { message: `The approved call was sent, and its outcome cannot be known (${failure.message}) It is not sent again by itself: look at the resource first.`, metadata: { approval: passage.claimed.approval }, detail: error.message })
    : failure
}

function answered(finished: Finished, { head }: Answer, passage: Complete, parts: Parts): Ending {
  const { call } = passage.classified
  if (passage.claimed.kind === 'claim') markDelivered(passage, parts)
  const kept = finished.body === undefined ? undefined : recordedBody(finished.body, head.contentType, call.method, passage.decided.decision.obligations.mask, { maskers: parts.maskers, limit: parts.settings.limits.recordBody })
  if (kept !== undefined) passage.bodies.push(kept)
  return {
    result: passage.gone ? 'left' : 'answered', status: head.status, responseBytes: finished.bytes,
    ...(kept === undefined ? {} : { responseBody: kept.hash }), ...(finished.masked === 0 ? {} : { masked: finished.masked }),
  }
}

/** Delivered is what the agent's socket took whole; only then does the receipt's short window begin. */
function markDelivered(passage: Complete, { approval, log }: Parts): void {
  const { claimed, response, granted } = passage
  if (claimed.kind !== 'claim' || granted.kind !== 'approval') return
  const attach = attachKeyOf(passage, granted.digest)
  const tell = (): void => {
    approval.delivered({ approval: claimed.approval, attach }).catch((error: unknown) => log.warn({ approval: claimed.approval, error: (error as Error).message }, 'the delivery of a receipt could not be noted; it stays readable for longer'))
  }
  if (response.writableFinished) tell()
  else response.once('finish', tell)
}

async function replay(passage: Complete, answer: StoredAnswer, approval: string, parts: Parts): Promise<Ending | Refusal> {
  try {
    await passage.intent.durable()
  } catch (error) {
    return unsent(passage, error, parts)
  }
  const { response } = passage
  response.writeHead(answer.status, [...answer.headers, 'X-Lockkeeper-Receipt', approval])
  response.end(answer.body)
  const attach = attachKeyOf(passage, passage.facts.digest ?? '')
  await parts.approval.delivered({ approval, attach })
  return { result: 'receipt', status: answer.status, responseBytes: answer.body.length }
}

/** A resumable upload's session stays with the gateway: the agent gets a sealed one under the gateway's own address. */
function locationFor(url: string, passage: Complete, { targets, sessions }: Parts): string {
  const { classified: { call, target }, arrival } = passage
  let own = url
  if (call.media === 'upload-resumable' && passage.classified.session === undefined) {
    const parsed = URL.canParse(url) ? new URL(url) : undefined
    const upload = parsed?.searchParams.get('upload_id')
    if (parsed === undefined || upload === null || upload === undefined) throw new LockkeeperError('UPSTREAM_INVALID', 'The upstream began an upload without a session that the gateway understands, so the session was not passed on.')
    const sealed = sessions.seal({
      target: target.name, host: call.host, path: parsed.pathname, query: parsed.search.slice(1), resources: call.resources, decisionHash: passage.decided.decision.hash,
      ...(passage.claimed.kind === 'claim' ? { approval: passage.claimed.approval } : {}),
    }, passage.verified.agent)
    const base = target.upstream === undefined ? `${parsed.protocol}//${parsed.host}` : `https://${call.host}`
    own = `${base}${call.path}?uploadType=resumable&upload_id=${sealed}`
  }
  return rewriteUrl(own, arrival, (host) => targets.find(host) !== undefined)
}
