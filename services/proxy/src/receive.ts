/** One request from its arrival at a door to its outcome's record. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { isRefusal, LockkeeperError, refuse, type Refusal } from '@lockkeeper/domain/errors'
import { strike } from '@lockkeeper/service-kit'
import { answerOwn } from './doors/own-endpoints.ts'
import { recordOutcome } from './guards/record-outcome.ts'
import type { Listeners } from './listeners.ts'
import type { Arrival, Door, Ending, Passage } from './passage.ts'
import type { Parts } from './parts.ts'
import { runPipeline } from './pipeline.ts'
import { sendRefusal } from './send-refusal.ts'
import { CallTrace } from './telemetry/call-trace.ts'

const MAX_RECORDED_PATH = 2048

export interface Receiver {
  readonly receive: RequestListener
  /** Resolves when every call in progress has its outcome, also those whose client has gone. */
  ended(): Promise<void>
}

/** Every request ends with exactly one outcome, refused ones included; only those to the gateway itself have none. */
export function createReceiver(parts: Parts, listeners: Pick<Listeners, 'arrivalOf' | 'stopping'>): Receiver {
  let inFlight = 0
  let idle: (() => void) | undefined
  const leave = (passage: Passage, end: Ending | Refusal): void => {
    inFlight--
    conclude(passage, end, parts)
    if (inFlight === 0) idle?.()
  }
  const receive: RequestListener = (request, response) => {
    const arrival = listeners.arrivalOf(request)
    if ('own' in arrival) {
      answerOwn(arrival.path, request, response, { verifier: parts.verifier, clock: parts.clock, ready: () => !listeners.stopping && isReady(parts) })
        .catch((error: unknown) => sendRefusal(request, response, unexpected(error, parts)))
      return
    }
    const passage = begin(request, response, isRefusal(arrival) ? nowhere(request) : arrival, parts)
    if (isRefusal(arrival)) return conclude(passage, arrival, parts)
    const expected = unknownExpectation(request)
    if (expected !== undefined) return conclude(passage, expected, parts)
    if (listeners.stopping) return conclude(passage, refuse('SHUTTING_DOWN', 'The gateway is stopping. Nothing was sent; send the call again in a moment.'), parts)
    if (inFlight >= parts.settings.limits.inFlight) return conclude(passage, refuse('OVERLOADED', `The gateway has ${parts.settings.limits.inFlight} calls in progress. Nothing was sent; send the call again in a moment.`), parts)
    inFlight++
    try {
      const ended = runPipeline(passage, parts)
      if (ended instanceof Promise) ended.then((late) => leave(passage, late), (error: unknown) => leave(passage, unexpected(error, parts)))
      else leave(passage, ended)
    } catch (error) {
      leave(passage, unexpected(error, parts))
    }
  }
  return {
    receive,
    ended: () => inFlight === 0 ? Promise.resolve() : new Promise((resolve) => { idle = resolve }),
  }
}

/** A policy, views that are young enough to decide by, and a log that takes records. */
function isReady({ policy, locks, approvals, targets, records, settings: { staleAfterMs } }: Parts): boolean {
  return policy.current() !== undefined && records.healthy && [policy, locks, approvals, targets].every((view) => view.age() <= staleAfterMs)
}

function begin(request: IncomingMessage, response: ServerResponse, arrival: Arrival, { clock, settings, calls }: Parts): Passage {
  const reason = request.headers['x-goog-request-reason']
  const trace = request.headers['traceparent']
  const query = arrival.query === '' ? '' : `?${arrival.query}`
  const length = Number(request.headers['content-length'] ?? 0)
  return {
    arrival, request, response, at: clock.now(), startedAt: clock.monotonic(), mode: settings.mode, isolation: settings.isolation,
    facts: {
      door: arrival.door as Door, host: arrival.host, verb: request.method ?? '', path: strike((arrival.path + query).slice(0, MAX_RECORDED_PATH)),
      ...(typeof reason === 'string' ? { statedReason: strike(reason.slice(0, 512)) } : {}), ...(typeof trace === 'string' ? { trace: strike(trace.slice(0, 64)) } : {}),
    },
    bodies: [], trace: calls === undefined ? undefined : new CallTrace(calls, trace), heldMs: 0, requestBytes: Number.isSafeInteger(length) ? length : 0, gone: false, rounds: 0,
  }
}

/** RFC 9110 section 10.1.1 knows one expectation. */
function unknownExpectation({ headers: { expect } }: IncomingMessage): Refusal | undefined {
  return expect === undefined || expect.toLowerCase() === '100-continue' ? undefined : refuse('REQUEST_INVALID', 'The Expect header holds an expectation that is not known. Nothing was sent; send the call without it.')
}

/** A request that no door understood still has a record. */
function nowhere(request: IncomingMessage): Arrival {
  return { door: 'path', host: strike((request.headers.host ?? '').slice(0, 253)), path: (request.url ?? '').slice(0, MAX_RECORDED_PATH), query: '', origin: () => '' }
}

function conclude(passage: Passage, end: Ending | Refusal, parts: Parts): void {
  if (isRefusal(end)) sendRefusal(passage.request, passage.response, end)
  recordOutcome(passage, end, parts)
  passage.trace?.end(passage, end)
}

/** What became of a call that ended in an exception. */
function unexpected(error: unknown, { log }: Parts): Refusal {
  if (error instanceof LockkeeperError) return error.refusal
  log.error({ error: (error as Error).stack ?? String(error) }, 'a fault of the gateway\'s own stopped a call')
  return refuse('INTERNAL', { message: 'A fault of the gateway\'s own stopped this call. Whether it was sent stands in its record.', detail: (error as Error).message })
}
