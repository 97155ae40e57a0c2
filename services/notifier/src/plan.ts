/** Which messages a fact makes, changes or makes needless. Pure: decided inside the transaction that also marks the fact as handled. */
import { randomBytes } from 'node:crypto'
import { sha256 } from '@lockkeeper/domain/digest'
import type { CloudEvent } from '@lockkeeper/domain/events'
import type { Channel } from './channels/channel.ts'
import { KEEP_MS, type DeliveryDocument, type Lane } from './collections.ts'
import { isGrantOver } from './grant-subject.ts'
import type { Subject } from './subject.ts'

const DAY_MS = 86_400_000
/** An answer to a click that comes later than this tells nobody anything. */
const ANSWER_MS = 600_000
/** Messages about one subject over one channel. */
const MOST_RECIPIENTS = 100

export interface PlannedMessage {
  readonly id: string
  readonly channel: Channel
  readonly recipient: string
  /** Nobody can guess it. */
  readonly nonce: string
  readonly event?: CloudEvent
}

/** Messages that follow their subject, for those whom it concerns now. Empty once nothing is asked of anybody any more. */
export function followingMessages(subject: Subject, channels: readonly Channel[]): readonly PlannedMessage[] {
  if (!isOpen(subject)) return []
  return channels.filter(({ follows }) => follows === 'latest').flatMap((channel) =>
    channel.recipients(subject).slice(0, MOST_RECIPIENTS).map((recipient) => planned(subject, channel, recipient, [])))
}

/** The fact itself, for channels that want each. */
export function factMessages(subject: Subject, event: CloudEvent, channels: readonly Channel[]): readonly PlannedMessage[] {
  return channels.filter(({ follows }) => follows === 'each').flatMap((channel) =>
    channel.recipients(subject).map((recipient) => ({ ...planned(subject, channel, recipient, [event.source, event.id]), event })))
}

function planned(subject: Subject, channel: Channel, recipient: string, more: readonly string[]): PlannedMessage {
  return { id: sha256(JSON.stringify([subject.id, channel.name, recipient, ...more])).slice(0, 32), channel, recipient, nonce: randomBytes(16).toString('base64url') }
}

export function newDelivery({ id, channel, recipient, nonce, event }: PlannedMessage, subject: Subject, full: boolean, now: number): DeliveryDocument {
  const common = { kind: 'delivery', id, subject: subject.id, channel: channel.name, recipient, ref: `${id}.${nonce}`, lane: laneOf(subject), shown: 0, attempts: 0, at: now, deleteAt: now + KEEP_MS, ...event === undefined ? {} : { fact: event.type, event } } as const
  const dropped = (why: string): DeliveryDocument => withoutContent({ ...common, state: 'dropped', open: false, dueAt: 0, giveUpAt: now, why })
  if (full) return dropped('too many messages wait for this channel already')
  const giveUpAt = event === undefined ? worthUntil(subject, now) : now + DAY_MS
  if (giveUpAt <= now) return dropped('its end had passed before anybody could be told')
  return { ...common, state: 'waiting', open: true, dueAt: now, giveUpAt }
}

export function laneOf({ kind }: Subject): Lane {
  return kind === 'notice' || kind === 'grant' || kind === 'fatigue' ? 'tell' : 'ask'
}

/** A first message is worth sending while somebody can still do something with it; a fact for a program for a day. */
function worthUntil(subject: Subject, now: number): number {
  if (subject.kind === 'approval') return subject.expiresAt
  return subject.kind === 'refusal' ? subject.at + ANSWER_MS : now + DAY_MS
}

/** When a message that was sent is to show what has changed since: at once, but what a span collects at its end. */
export function changeDueAt(subject: Subject, now: number): number {
  return subject.kind === 'notice' ? Math.max(now, subject.until) : now
}

/** What the subject's new revision means for a message that is there; undefined: nothing. */
export function followUp(before: DeliveryDocument, subject: Subject, now: number): DeliveryDocument | undefined {
  if (before.shown >= subject.revision || before.state === 'dropped' || before.state === 'failed') return undefined
  // An attempt is under way: its result will see the new revision.
  if (before.lease !== undefined && before.dueAt > now) return undefined
  if (before.shown === 0) return isOpen(subject) ? undefined : needless(before, now)
  const dueAt = changeDueAt(subject, now)
  // It waits for the span's end already, or for a channel that is down: it shows the newest whenever it is sent.
  if (subject.kind === 'notice' && before.open) return undefined
  return { ...before, state: 'waiting', open: true, dueAt, attempts: 0, giveUpAt: dueAt + DAY_MS, deleteAt: dueAt + KEEP_MS }
}

export function needless({ lease: _lease, ...before }: DeliveryDocument, now: number): DeliveryDocument {
  return { ...before, state: 'dropped', open: false, dueAt: 0, why: 'it was settled before anybody could be told', deleteAt: now + KEEP_MS }
}

/** What a call holds is not kept beside the note that somebody was told of it. */
export function withoutContent({ event: _event, ...delivery }: DeliveryDocument): DeliveryDocument {
  return delivery
}

/** Somebody may still have to know: a request that waits, a lock, a review that nobody has closed. */
export function isOpen(subject: Subject): boolean {
  switch (subject.kind) {
    case 'lock': case 'notice': case 'refusal': case 'fatigue': return true
    case 'grant': return subject.created !== undefined && !isGrantOver(subject)
    case 'review': return subject.opened !== undefined && subject.closed === undefined
    case 'approval': return subject.asked !== undefined && subject.standing.state === 'pending'
  }
}
