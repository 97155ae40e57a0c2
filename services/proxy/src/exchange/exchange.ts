/**
 * The dial: everything before it is on the passage as witnesses, and this function demands them all (invariant 1).
 * A change waits for its durable intent before the dial, a plain read for its durable record before the first byte is released.
 */
import { LockkeeperError, refuse, type Refusal } from '@lockkeeper/domain/errors'
import type { Dispatcher } from 'undici'
import { isPlainRead } from '../guards/record-intent.ts'
import { ClientLeft } from '../body/timed-chunks.ts'
import type { Ending, Passage, Witnesses } from '../passage.ts'
import type { Parts } from '../parts.ts'
import { Answer, type Finished } from './answer.ts'
import { markDelivered, outcomeOf, outcomeOfFailure, settleClaim } from './claim-outcome.ts'
import { CredentialEcho } from './credential-echo.ts'
import { Dialogue, type DialogueEnd } from './dialogue.ts'
import { maskedHeaders } from './masked-headers.ts'
import { ownLocation } from './own-location.ts'
import { planAnswer } from './plan-answer.ts'
import { recordedAnswer } from '../recorded-bodies.ts'
import { findOutcome } from '../outcome/find-outcome.ts'
import { handOver } from './hand-over.ts'
import { replay } from './replay.ts'
import type { ResponseHead } from './response-headers.ts'
import { mapUpstreamFailure, Stopped, TooLate } from './upstream-failures.ts'
import { buildUpstreamRequest } from './upstream-request.ts'

export type Complete = Passage & Witnesses

export function exchange(passage: Complete, parts: Parts): Promise<Ending | Refusal> {
  return passage.granted.kind === 'receipt' ? replay(passage, passage.granted.answer, passage.granted.approval, parts) : dial(passage, parts)
}

function dial(passage: Complete, parts: Parts): Promise<Ending | Refusal> {
  const { promise, resolve, reject } = Promise.withResolvers<Ending | Refusal>()
  const { response, classified: { call, target }, verified: { agent } } = passage
  const left = (): void => {
    if (response.writableFinished) return
    passage.gone = true
    // A change that is on its way is not cancelled by a client that leaves; what has not been sent, and a read, is.
    if (!dialogue.sent || !call.method.change) dialogue.abort(new ClientLeft())
  }
  const dialogue = new Dialogue({
    trace: passage.trace,
    onStart: () => stopsNow(passage, parts),
    location: (url) => ownLocation(url, passage, parts),
    answer: (head, flow) => new Answer(withMaskedHeaders(head, passage, parts), planAnswer(head, passage, parts, { record: (whole) => record(whole, head, passage, parts), release: (body, headers) => release(head, body, headers, passage, parts) }), response, flow),
    end: (end) => {
      untrack()
      cancelDeadline()
      response.off('close', left)
      finish(end, passage, parts).then(resolve, reject)
    },
  })
  // From here on a lock cuts the call, also while it waits for its record or a connection.
  const untrack = parts.open.track({ agent: agent.id, run: agent.run, target: target.name }, (error) => dialogue.abort(error))
  const cancelDeadline = startDeadline(passage, parts, () => { if (!dialogue.sent) dialogue.abort(new TooLate()) })
  response.once('close', left)
  if (response.closed) left()
  const start = (): void => {
    if (dialogue.over) return
    passage.trace?.dialling(passage)
    try {
      parts.upstreams.pool(target, call.host, call.method.change).dispatch(buildUpstreamRequest(passage) as Dispatcher.DispatchOptions, dialogue)
    } catch (error) {
      dialogue.abort(error as Error)
    }
  }
  if (isPlainRead(passage)) start()
  else passage.intent.durable().then(start, (error: unknown) => dialogue.abort(error as Error))
  return promise
}

function withMaskedHeaders(head: ResponseHead, { classified: { call }, decided: { decision } }: Complete, { maskers }: Parts): ResponseHead {
  const masker = maskers.of(decision.obligations.mask)
  return masker === undefined ? head : { ...head, headers: maskedHeaders(head.headers, masker, call.media === 'upload-resumable') }
}

/** What has changed since the guards ran, at the last moment before the first byte. */
function stopsNow({ claimed, classified: { target }, gone, verified: { agent } }: Complete, { clock, locks }: Parts): Error | undefined {
  if (claimed.kind === 'claim' && clock.monotonic() > claimed.dialBy) return new TooLate()
  if (gone) return new ClientLeft()
  const lock = locks.find(agent.id, agent.run, target.name, clock.now())
  return lock === undefined ? undefined : new Stopped(refuse('AGENT_LOCKED', { message: `A lock stops this call (${lock.scope.kind}): ${lock.reason}. Nothing was sent.`, metadata: { lock: lock.id } }))
}

/** A claim that cannot be used in time is given back then, not when a slow connection fails. */
function startDeadline({ claimed }: Complete, { clock }: Parts, late: () => void): () => void {
  if (claimed.kind !== 'claim') return () => undefined
  const timer = setTimeout(late, Math.max(0, claimed.dialBy - clock.monotonic()))
  return () => clearTimeout(timer)
}

/** The id of the record that stands for this answer. A plain read that owed it writes it now: whole where the answer is, else its intent. */
function record(whole: Finished | undefined, head: ResponseHead, passage: Complete, parts: Parts): string {
  const { intent } = passage
  if (intent.id !== undefined) return intent.id
  return whole === undefined ? intent.writeIntent(passage, parts) : intent.writeWhole(passage, endingOf(whole, head, passage, parts), parts)
}

/** Before the first byte: the call's record is durable and, for an approved call, its outcome is stored. */
function release(head: ResponseHead, body: Uint8Array | undefined, headers: readonly string[], passage: Complete, parts: Parts): Promise<void> {
  const durable = passage.intent.durable()
  if (passage.claimed.kind !== 'claim') return durable
  return durable.then(async () => settleClaim(passage, await findOutcome(outcomeOf(head.status, body, headers, passage.classified.call.method.returnsSecret), passage, parts), parts))
}

async function finish(end: DialogueEnd, passage: Complete, parts: Parts): Promise<Ending | Refusal> {
  if (end.kind === 'answered') return answered(await end.answer.finished, end.answer, passage, parts)
  const { answer, error, sent, status } = end
  const { claimed, classified: { call, target }, response } = passage
  const failure = mapUpstreamFailure(error, sent, call.method.change)
  const heldBack = error instanceof LockkeeperError || error instanceof CredentialEcho
  const outcome = claimed.kind === 'claim' && answer?.begun !== true ? await findOutcome(outcomeOfFailure(end, heldBack), passage, parts) : undefined
  if (outcome !== undefined) await settleClaim(passage, outcome, parts)
  // Nobody else's mistake: it is logged with its stack.
  if (error instanceof TypeError) throw error
  if (error instanceof CredentialEcho) parts.log.error({ record: passage.intent.id ?? passage.intent.reference, target: target.name }, 'an upstream answered with the credential that it was sent; the answer was stopped')
  if (error instanceof ClientLeft || passage.gone) {
    passage.gone = true
    return { result: sent && call.method.change && status === undefined && outcome?.kind !== 'answered' ? 'unknown' : 'left', status: status ?? 499, detail: error.message, responseBytes: 0 }
  }
  const found = heldBack || error instanceof Stopped ? undefined : handOver(outcome, passage, parts)
  if (found !== undefined) return found
  if (response.headersSent) {
    response.destroy()
    return { result: 'failed', status: status ?? 502, reason: failure.reason, detail: failure.detail ?? failure.message, responseBytes: 0 }
  }
  if (heldBack || outcome === undefined || outcome.kind === 'not_sent') return failure
  if (outcome.kind === 'unknown') return lost('OUTCOME_UNKNOWN', failure, passage, error)
  return error instanceof Stopped ? failure : lost('RECEIPT_GONE', failure, passage, error)
}

function lost(reason: 'OUTCOME_UNKNOWN' | 'RECEIPT_GONE', { message }: Refusal, { facts: { approval = '' } }: Complete, error: Error): Refusal {
  const text = reason === 'OUTCOME_UNKNOWN'
    ? `The approved call was sent, and its outcome cannot be known (${message}) It is not sent again by itself: look at the resource first.`
    : `The approved call has run. Its answer was lost (${message}) What was found of it cannot be given out: look at the resource.`
  return refuse(reason, { message: text, metadata: { approval }, detail: error.message })
}

function answered(finished: Finished, { head }: Answer, passage: Complete, parts: Parts): Ending {
  const { claimed, granted } = passage
  if (claimed.kind === 'claim' && granted.kind === 'approval' && head.status < 500) markDelivered(passage, claimed.approval, granted.digest, parts)
  const { told } = passage.intent
  if (told === undefined) return endingOf(finished, head, passage, parts)
  return passage.gone ? { ...told, result: 'left' } : told
}

function endingOf(finished: Finished, head: ResponseHead, passage: Complete, parts: Parts): Ending {
  const { call } = passage.classified
  const kept = finished.body === undefined ? undefined : recordedAnswer(finished.body, head.contentType, call.method, passage.decided.decision.obligations.mask, { maskers: parts.maskers, limit: parts.settings.limits.recordBody })
  if (kept !== undefined) passage.bodies.push(kept)
  return {
    result: passage.gone ? 'left' : 'answered', status: head.status, responseBytes: finished.bytes,
    ...(kept === undefined ? {} : { responseBody: kept.hash }), ...(finished.masked === 0 ? {} : { masked: finished.masked }),
  }
}
