/** A fact off the bus → which subject it is about, and what it makes of it. */
import { sha256 } from '@lockkeeper/domain/digest'
import { EVENT_DATA, type CloudEvent, type EventData } from '@lockkeeper/domain/events'
import type { DocumentStore } from '@lockkeeper/domain/ports'
import { clickOf } from './click-event.ts'
import { deliveries, seenClicks } from './collections.ts'
import { applyGrant, GRANT_FACTS, grantSubjectId, type GrantFact } from './grant-subject.ts'
import { applyNotice, noticePlace } from './notice-subject.ts'
import { applyFact, applyReview, type RefusalSubject, type ReviewFact, type Subject, type TimedFact } from './subject.ts'

export interface ReadFact { readonly id: string, readonly next: (before: Subject | undefined) => Subject }

type Known = keyof typeof EVENT_DATA
type Reader = (event: CloudEvent, data: never, at: number) => ReadFact | undefined

const APPROVAL_FACTS = ['approval.requested', 'approval.approved', 'approval.denied', 'approval.expired', 'approval.cancelled', 'approval.claimed', 'approval.completed', 'approval.escalated'] as const
const APPROVAL = /^apr_[A-Za-z0-9]{3,60}$/

/** `problem`: it does not hold what its type says. Undefined: no message is about such facts. Rejects with PortUnavailable. */
export async function readFact(documents: DocumentStore, event: CloudEvent, spanMs: number): Promise<ReadFact | { readonly problem: true } | undefined> {
  const { type } = event
  const reader = type === 'calls.noticed' ? readNotice(spanMs) : Object.hasOwn(READERS, type) ? READERS[type] : undefined
  if (reader === undefined) return undefined
  const parsed = EVENT_DATA[type as Known].safeParse(event.data)
  const at = Date.parse(event.time)
  const read = parsed.success && Number.isFinite(at) ? reader(event, parsed.data as never, at) : undefined
  if (read === undefined) return { problem: true }
  return type === 'decision.refused' ? withClick(documents, read, parsed.data as EventData<'decision.refused'>) : read
}

const READERS: Readonly<Record<string, Reader>> = {
  ...Object.fromEntries(APPROVAL_FACTS.map((type) => [type, readApproval])), ...Object.fromEntries(GRANT_FACTS.map((type) => [type, readGrant])),
  'review.opened': readReview, 'review.closed': readReview, 'lock.changed': readLock, 'decision.refused': readRefusal, 'fatigue.noticed': readFatigue,
}

function readApproval({ type }: CloudEvent, data: EventData<'approval.expired'>, at: number): ReadFact | undefined {
  if (!APPROVAL.test(data.approval)) return undefined
  const fact = { type, data, at } as unknown as TimedFact
  return { id: data.approval, next: (before) => applyFact(before?.kind === 'approval' ? before : undefined, fact) }
}

function readReview({ type }: CloudEvent, data: EventData<'review.closed'>, at: number): ReadFact {
  const id = `review-${sha256(data.review)}`
  const fact = { type, data, at } as unknown as ReviewFact
  return { id, next: (before) => applyReview(before?.kind === 'review' ? before : undefined, id, fact) }
}

function readGrant({ type }: CloudEvent, data: EventData<'grant.revoked'>, at: number): ReadFact {
  const fact = { type, data, at } as unknown as GrantFact
  return { id: grantSubjectId(data.grant), next: (before) => applyGrant(before?.kind === 'grant' ? before : undefined, fact) }
}

function readLock({ source, id: event }: CloudEvent, lock: EventData<'lock.changed'>, at: number): ReadFact {
  const id = `lock-${sha256(JSON.stringify([source, event]))}`
  return { id, next: () => ({ kind: 'lock', id, revision: 1, lock, at }) }
}

function readFatigue(_event: CloudEvent, noticed: EventData<'fatigue.noticed'>, at: number): ReadFact {
  const id = `fatigue-${sha256(JSON.stringify([noticed.rule, noticed.day]))}`
  return { id, next: () => ({ kind: 'fatigue', id, revision: 1, noticed, at }) }
}

function readRefusal({ source, id: event }: CloudEvent, refused: EventData<'decision.refused'>, at: number): ReadFact {
  const id = `refusal-${sha256(JSON.stringify([source, event]))}`
  return { id, next: () => ({ kind: 'refusal', id, revision: 1, refused, at }) }
}

function readNotice(spanMs: number): Reader {
  return (_event, data: EventData<'calls.noticed'>) => {
    const place = noticePlace(data, spanMs)
    return { id: place.id, next: (before) => applyNotice(before?.kind === 'notice' ? before : undefined, data, place, spanMs) }
  }
}

/** What was decided by a click in Slack is answered there. */
async function withClick(documents: DocumentStore, read: ReadFact, { event }: EventData<'decision.refused'>): Promise<ReadFact> {
  const id = clickOf(event)
  const [seen] = id === undefined ? [] : await documents.read([{ collection: seenClicks, id }])
  if (seen === undefined) return read
  const { delivery, member } = seen.data
  // Read now: a quick click comes before it is written down where Slack put the message.
  const [message] = await documents.read([{ collection: deliveries, id: delivery }])
  const { channel = '', place } = message?.data ?? {}
  const conversation = place?.['channel']
  if (conversation === undefined) return read
  return { ...read, next: (before) => ({ ...read.next(before) as RefusalSubject, click: { channel, conversation, member } }) }
}
