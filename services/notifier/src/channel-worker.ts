/** Brings one channel's messages out, one channel apart from the others: a channel that is down delays nobody. */
import type { Clock } from '@lockkeeper/domain'
import type { Doc, DocumentStore } from '@lockkeeper/domain/ports'
import type { Log } from '@lockkeeper/service-kit'
import { backoffMs } from './backoff.ts'
import type { Attempt, Channel } from './channels/channel.ts'
import { deliveries, type DeliveryDocument, type Lane } from './collections.ts'
import { giveBack, take } from './leases.ts'
import { loopOver, type WorkerLoop } from './worker-loop.ts'

export interface ChannelStatus {
  readonly name: string
  readonly kind: string
  /** Since the start. */
  readonly sent: number
  readonly retried: number
  readonly failed: number
  readonly lastSentAt?: number
  /** Why the last attempt did not succeed; absent once one did. */
  readonly problem?: string
  /** Ms since an attempt first failed and none has succeeded after it; 0: the last one did. */
  readonly failingMs: number
  /** Ms for which nothing is tried, because the channel is down or asked for it. */
  readonly pausedMs: number
}

export interface ChannelWorker extends WorkerLoop {
  /** One bounded pass over what is due; the number of attempts. Rejects with PortUnavailable. */
  pass(): Promise<number>
  status(): ChannelStatus
}

export interface WorkerParts {
  readonly documents: DocumentStore
  readonly clock: Clock
  readonly log: Log
  /** In [0, 1). */
  readonly random: () => number
}

const PER_PASS = 20
const AT_ONCE = 4
const MOST_PAUSE_MS = 60_000

export function createChannelWorker(channel: Channel, { documents, clock, log, random }: WorkerParts): ChannelWorker {
  const count = { sent: 0, retried: 0, failed: 0 }
  let lastSentAt: number | undefined
  let problem: string | undefined
  let downs = 0
  let failingSince: number | undefined
  let pausedUntil = 0
  const pausedMs = (): number => Math.max(0, pausedUntil - clock.monotonic())

  async function pass(): Promise<number> {
    if (pausedMs() > 0) return 0
    const asking = await due('ask', PER_PASS)
    // What asks nothing of anybody has what room is left.
    const waiting = asking.length < PER_PASS ? [...asking, ...await due('tell', PER_PASS - asking.length)] : [...asking]
    let attempts = 0
    const work = async (): Promise<void> => {
      for (let doc = waiting.shift(); doc !== undefined; doc = waiting.shift()) {
        if (pausedMs() > 0) return
        if (await attempt(doc)) attempts += 1
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    return attempts
  }

  async function due(lane: Lane, limit: number): Promise<readonly Doc<DeliveryDocument>[]> {
    return (await documents.query(deliveries, { name: 'due', equal: { channel: channel.name, open: true, lane }, from: 0, to: clock.now(), limit })).docs
  }

  async function attempt(found: Doc<DeliveryDocument>): Promise<boolean> {
    const taken = await take(documents, found.id)
    if (taken === undefined) return false
    const { delivery, subject } = taken
    const { recipient, ref, event, place } = delivery
    const result = await channel.send({ id: delivery.id, recipient, subject, ref, ...event === undefined ? {} : { event }, ...place === undefined ? {} : { place } }).catch((cause: unknown): Attempt => {
      log.error({ err: cause, channel: channel.name, delivery: delivery.id }, 'a message could not be made')
      return { kind: 'again', why: 'the message could not be made' }
    })
    note(result, delivery)
    await giveBack(documents, taken, result, random)
    return true
  }

  function note(result: Attempt, { id, attempts, subject }: DeliveryDocument): void {
    if (result.kind === 'sent') {
      count.sent += 1
      downs = 0
      problem = undefined
      failingSince = undefined
      lastSentAt = clock.now()
      return
    }
    count[result.kind === 'failed' ? 'failed' : 'retried'] += 1
    problem = result.why
    failingSince ??= clock.monotonic()
    log.warn({ channel: channel.name, delivery: id, subject, attempt: attempts + 1, why: result.why, ...result.kind === 'failed' ? { given_up: true } : {} }, 'a message could not be delivered')
    if (result.kind !== 'again' || result.down !== true) return
    downs += 1
    pausedUntil = clock.monotonic() + (result.askedMs === undefined ? Math.min(MOST_PAUSE_MS, backoffMs(downs, random)) : backoffMs(downs, random, result.askedMs))
  }

  return { pass, ...loopOver(pass, (cause) => log.error({ err: cause, channel: channel.name }, 'deliveries could not be looked up; it is tried again')), status: () => ({
    name: channel.name, kind: channel.kind, ...count, failingMs: failingSince === undefined ? 0 : clock.monotonic() - failingSince, pausedMs: pausedMs(), ...lastSentAt === undefined ? {} : { lastSentAt }, ...problem === undefined ? {} : { problem },
  }) }
}
