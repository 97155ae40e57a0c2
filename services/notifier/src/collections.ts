/** What the notifier keeps: what it knows of each subject, one delivery for each message, and what it has seen already. */
import type { CloudEvent } from '@lockkeeper/domain/events'
import type { Collection } from '@lockkeeper/domain/ports'
import type { Subject } from './subject.ts'

const DAY_MS = 86_400_000
/** How long deliveries are kept after their last change: who was told what and when, without what the call holds. */
export const KEEP_MS = 30 * DAY_MS
/** How long subjects are kept after their end or last change: they hold what a message shows of a call, and a message is tried for a day. */
export const SUBJECT_KEEP_MS = 2 * DAY_MS
/** How long handled events are remembered; longer than any redelivery. */
export const REMEMBER_MS = 7 * DAY_MS

/** Id = approval id; for what is no request its kind and a hash of what it is about. */
export interface SubjectDocument {
  readonly subject: Subject
  /** Ids of its deliveries that follow it from revision to revision. */
  readonly deliveries: readonly string[]
  readonly deleteAt: number
}
export const subjects: Collection<SubjectDocument> = { name: 'notifier-subjects', ttlField: 'deleteAt', queries: {} }

/** `ask`: somebody may have to do something; `tell`: nothing is asked. The first goes before the second, and neither takes the other's room. */
export type Lane = 'ask' | 'tell'

export type DeliveryState = 'waiting' | 'delivered' | 'dropped' | 'failed'

/** One message to one recipient over one channel. Id = hash of subject, channel, recipient, and for webhooks the event. */
export interface DeliveryDocument {
  readonly kind: 'delivery'
  readonly id: string
  readonly subject: string
  readonly channel: string
  readonly recipient: string
  /** Stands in the message's buttons; nobody can guess it who has not seen the message. */
  readonly ref: string
  /** Type of the fact, where each is a message of its own (webhooks). */
  readonly fact?: string
  /** The fact itself, until it has been delivered or given up. */
  readonly event?: CloudEvent
  readonly state: DeliveryState
  readonly lane: Lane
  /** True while something is to be sent. */
  readonly open: boolean
  /** Revision of the subject that the recipient has seen; 0: none. */
  readonly shown: number
  /** What the provider calls the message, so that it can be changed. */
  readonly place?: Readonly<Record<string, string>>
  /** Attempts since the last one that succeeded. */
  readonly attempts: number
  /** Epoch ms of the next attempt; while one is under way: when another instance may take over. */
  readonly dueAt: number
  /** Names the attempt under way; an older one's result is ignored. */
  readonly lease?: string
  /** Epoch ms after which it is not tried again. */
  readonly giveUpAt: number
  /** Why it is late, or was dropped or failed; holds no secret. */
  readonly why?: string
  readonly at: number
  readonly deliveredAt?: number
  readonly deleteAt: number
}
export const deliveries: Collection<DeliveryDocument> = {
  name: 'notifier-deliveries',
  ttlField: 'deleteAt',
  queries: {
    due: { equal: ['channel', 'open', 'lane'], order: { field: 'dueAt', direction: 'asc' } },
    all: { equal: ['kind'], order: { field: 'at', direction: 'desc' } },
    byState: { equal: ['state'], order: { field: 'at', direction: 'desc' } },
    bySubject: { equal: ['subject'], order: { field: 'at', direction: 'desc' } },
  },
}

/** Events that were handled. Id = hash of source and event id. */
export interface Handled { readonly type: string, readonly at: number, readonly deleteAt: number }
export const handledEvents: Collection<Handled> = { name: 'notifier-inbox', ttlField: 'deleteAt', queries: {} }

/** Clicks that were passed on. Id = hash of signature and time. */
export interface SeenClick {
  readonly approval: string
  /** The message with the button, and the member who clicked: an answer goes where the message stands. */
  readonly delivery: string
  readonly member: string
  readonly at: number
  readonly deleteAt: number
}
export const seenClicks: Collection<SeenClick> = { name: 'notifier-clicks', ttlField: 'deleteAt', queries: {} }
