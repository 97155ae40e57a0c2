/**
 * Push endpoints: one for each subscription, for one pusher with one audience. The pusher is verified before a byte of the body is
 * looked at. Any 2xx acknowledges; everything else makes Pub/Sub post it again after the subscription's backoff.
 */
import { ERRORS, isRefusal, type Refusal } from '@lockkeeper/domain/errors'
import type { Subscription } from '@lockkeeper/domain/ports'
import type { SubscriptionSpec } from '@lockkeeper/domain/topology'
import type { Consumption, Deliveries, PubSubLog } from './deliveries.ts'
import { MAX_PUSH_BYTES, readPushEnvelope } from './push-envelope.ts'
import type { Resources } from './resources.ts'

/**
 * True for the one account that may push to this subscription's endpoint, by an OIDC token with this endpoint's audience; anything else
 * refuses. A refusal whose reason answers 401 or 503 is answered so, every other with 403. A rejection is an outage: 503.
 */
export type VerifyPusher = (token: string, subscription: SubscriptionSpec) => Promise<true | Refusal>

export interface PushRequest {
  /** The request's Authorization header. */
  readonly authorization?: string | undefined
  /** As it was received. Whoever reads it from the socket stops at `MAX_PUSH_BYTES`. */
  readonly body: Uint8Array
}

/** 204 taken; 400 no envelope of this subscription; 401 and 403 not its pusher; 404 no such endpoint; 413, 429 bounds; 503 come again. */
export interface PushAnswer { readonly status: 204 | 400 | 401 | 403 | 404 | 413 | 429 | 503 }

export interface PushParts {
  readonly deliveries: Deliveries
  readonly resources: Resources
  readonly verifyPusher: VerifyPusher | undefined
  readonly log: PubSubLog
}

interface Registered {
  readonly consumption: Consumption
  readonly concurrency: number
  readonly running: Set<Promise<unknown>>
  /** Places in use: taken in the very turn in which they are found free. */
  taken: number
  /** Requests that wait for a place, oldest first. */
  readonly waiting: ((free: boolean) => void)[]
}

/** RFC 6750, section 2.1. */
const BEARER = /^Bearer ([\w.~+/=-]+)$/i
const MAX_AUTHORIZATION = 8192
/** Ms that a request waits for a place: an answer of 429 counts as an attempt. */
const PLACE_WAIT_MS = 3_000

export class PushReceiver {
  readonly #parts: PushParts
  readonly #registered = new Map<string, Registered>()

  constructor(parts: PushParts) {
    this.#parts = parts
  }

  /** TypeError where there is no verifier, or the subscription is taken in this process. */
  register(consumption: Consumption, concurrency: number): Subscription {
    const { id } = consumption.spec
    if (this.#parts.verifyPusher === undefined) throw new TypeError(`${id} is pushed to, and nothing here verifies the pusher`)
    if (this.#registered.has(id)) throw new TypeError(`${id} has its handler already`)
    const entry: Registered = { consumption, concurrency, running: new Set(), taken: 0, waiting: [] }
    this.#registered.set(id, entry)
    return {
      close: async () => {
        if (this.#registered.get(id) === entry) this.#registered.delete(id)
        for (const give of entry.waiting.splice(0)) give(false)
        await Promise.all(entry.running)
      },
    }
  }

  /** Never rejects. `id`: the subscription's id in the topology, from the request's path. */
  async receive(id: string, request: PushRequest): Promise<PushAnswer> {
    const { resources } = this.#parts
    const spec = resources.topology.subscriptions.find((one) => one.id === id && one.mode === 'push')
    if (spec === undefined) return { status: 404 }
    const refused = await this.#refusedPusher(spec, request.authorization)
    if (refused !== undefined) return refused
    if (request.body.length > MAX_PUSH_BYTES) return this.#bad(spec, 413, 'it is over 16 MiB')
    const entry = this.#registered.get(id)
    // Starting or stopping: another instance takes it, or this one later.
    if (entry === undefined) return { status: 503 }
    const placed = await takePlace(entry)
    if (this.#registered.get(id) !== entry) {
      if (placed) leavePlace(entry)
      return { status: 503 }
    }
    if (!placed) return { status: 429 }
    const work = this.#settle(entry, request.body)
    entry.running.add(work)
    try {
      return await work
    } finally {
      entry.running.delete(work)
      leavePlace(entry)
    }
  }

  async #settle({ consumption }: Registered, body: Uint8Array): Promise<PushAnswer> {
    const read = readPushEnvelope(body, this.#parts.resources.subscription(consumption.spec.id))
    if ('problem' in read) return this.#bad(consumption.spec, 400, read.problem)
    return { status: await this.#parts.deliveries.settle(consumption, read) === 'done' ? 204 : 503 }
  }

  async #refusedPusher(spec: SubscriptionSpec, authorization: string | undefined): Promise<PushAnswer | undefined> {
    const { verifyPusher, log } = this.#parts
    const token = authorization !== undefined && authorization.length <= MAX_AUTHORIZATION ? BEARER.exec(authorization)?.[1] : undefined
    if (token === undefined || verifyPusher === undefined) return { status: 401 }
    try {
      const verdict = await verifyPusher(token, spec)
      if (verdict === true) return undefined
      const reason = isRefusal(verdict) ? verdict.reason : 'CALLER_REFUSED'
      log.error({ subscription: spec.id, reason }, 'a push was refused: it is not from the pusher of this subscription')
      const { http } = ERRORS[reason]
      return { status: http === 401 || http === 503 ? http : 403 }
    } catch (error) {
      log.error({ err: error, subscription: spec.id }, 'a pusher could not be verified')
      return { status: 503 }
    }
  }

  /** From the right pusher, so it is a fault of ours or of Pub/Sub: it comes again, and ends where Pub/Sub puts it. */
  #bad(spec: SubscriptionSpec, status: 400 | 413, why: string): PushAnswer {
    this.#parts.log.error({ subscription: spec.id, why }, 'the body of a push is not what Pub/Sub sends for this subscription')
    return { status }
  }
}

function leavePlace(entry: Registered): void {
  const next = entry.waiting.shift()
  if (next === undefined) entry.taken -= 1
  else next(true)
}

/** Waits for a free place, among at most as many as there are places. Who got one gives it to the next, or back. */
async function takePlace(entry: Registered): Promise<boolean> {
  const { concurrency, waiting } = entry
  if (entry.taken < concurrency) {
    entry.taken += 1
    return true
  }
  if (waiting.length >= concurrency) return false
  const place = Promise.withResolvers<boolean>()
  waiting.push(place.resolve)
  const timer = setTimeout(() => {
    const at = waiting.indexOf(place.resolve)
    if (at >= 0) waiting.splice(at, 1)
    place.resolve(false)
  }, PLACE_WAIT_MS)
  try {
    return await place.promise
  } finally {
    clearTimeout(timer)
  }
}
