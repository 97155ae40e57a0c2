/** Facts off the bus → what is known of their subject, and the messages that follow. One transaction each; a redelivery changes nothing. */
import { sha256 } from '@lockkeeper/domain/digest'
import { isRefusal } from '@lockkeeper/domain/errors'
import type { CloudEvent } from '@lockkeeper/domain/events'
import { PortUnavailable, type Doc, type DocumentStore, type Ref, type Write } from '@lockkeeper/domain/ports'
import type { Log } from '@lockkeeper/service-kit'
import type { Channel } from './channels/channel.ts'
import { deliveries, handledEvents, REMEMBER_MS, SUBJECT_KEEP_MS, subjects, type DeliveryDocument, type Handled, type Lane, type SubjectDocument } from './collections.ts'
import { factMessages, followingMessages, followUp, laneOf, newDelivery, type PlannedMessage } from './plan.ts'
import { readFact, type ReadFact } from './read-fact.ts'
import type { Subject } from './subject.ts'

export interface IntakeParts {
  readonly documents: DocumentStore
  readonly channels: readonly Channel[]
  readonly log: Log
  /** Ms for which calls that a rule tells of are collected. */
  readonly noticeMs: number
  /** Told once the messages are durable. */
  readonly planned: (channels: readonly string[]) => void
}

/** Messages that may wait for one channel in each lane; what comes on top is dropped and can be seen as such. */
export const MOST_OPEN: Readonly<Record<Lane, number>> = { ask: 500, tell: 200 }
/** Other facts of the same subject that may come between before the event is given back to the bus. */
const MOST_ATTEMPTS = 20

/** Rejects only for what a redelivery can mend. Facts that no message is about are acknowledged and forgotten. */
export async function receiveFact(parts: IntakeParts, event: CloudEvent): Promise<void> {
  const read = await readFact(parts.documents, event, parts.noticeMs)
  if (read === undefined) return
  if ('problem' in read) return parts.log.error({ event: event.id, source: event.source, type: event.type }, 'a fact does not hold what its type says and was dropped')
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    const told = await place(parts, event, read)
    if (told === undefined) continue
    if (told.length > 0) parts.planned(told)
    return
  }
  throw new PortUnavailable('too many facts of one subject at once')
}

/** Names of the channels that have something to do now; undefined: somebody else was faster, look again. */
async function place({ documents, channels, log }: IntakeParts, event: CloudEvent, { id, next }: ReadFact): Promise<readonly string[] | undefined> {
  const subjectRef: Ref<SubjectDocument> = { collection: subjects, id }
  const inboxRef: Ref<Handled> = { collection: handledEvents, id: sha256(JSON.stringify([event.source, event.id])) }
  const [known] = await documents.read([subjectRef])
  const subject = next(known?.data.subject)
  const following = followingMessages(subject, channels)
  const facts = factMessages(subject, event, channels)
  const full = await fullChannels(documents, laneOf(subject), [...following.filter((message) => known?.data.deliveries.includes(message.id) !== true), ...facts])
  const followed = [...new Set([...known?.data.deliveries ?? [], ...following.map((message) => message.id)])]
  const messageRefs: readonly Ref<DeliveryDocument>[] = [...followed, ...facts.map((message) => message.id)].map((each) => ({ collection: deliveries, id: each }))
  const outcome = await documents.transact<readonly string[] | 'again'>([inboxRef, subjectRef, ...messageRefs], (docs, now) => {
    if (docs[0] !== undefined) return { writes: [], facts: [], result: [] }
    if (docs[1]?.version !== known?.version) return { writes: [], facts: [], result: 'again' }
    const changed = changedDeliveries(docs.slice(2) as readonly (Doc<DeliveryDocument> | undefined)[], [...following, ...facts], subject, full, now)
    const writes: readonly Write[] = [
      { kind: 'put', ref: inboxRef, data: { type: event.type, at: now, deleteAt: now + REMEMBER_MS } },
      { kind: 'put', ref: subjectRef, data: { subject, deliveries: followed, deleteAt: keepUntil(subject, now) } },
      ...changed.map((data): Write => ({ kind: 'put', ref: { collection: deliveries, id: data.id }, data })),
    ]
    return { writes, facts: [], result: [...new Set(changed.filter(({ open }) => open).map(({ channel }) => channel))] }
  })
  if (isRefusal(outcome)) throw new TypeError('placing a fact refuses nothing')
  if (outcome === 'again') return undefined
  for (const channel of full) log.error({ channel, subject: id }, 'a message was dropped: too many wait for this channel')
  return outcome
}

function keepUntil(subject: Subject, now: number): number {
  if (subject.kind === 'approval') return SUBJECT_KEEP_MS + Math.max(now, subject.expiresAt)
  // Its end is told in the message that told of it.
  return SUBJECT_KEEP_MS + (subject.kind === 'grant' ? Math.max(now, subject.created?.until ?? now) : now)
}

function changedDeliveries(docs: readonly (Doc<DeliveryDocument> | undefined)[], planned: readonly PlannedMessage[], subject: Subject, full: ReadonlySet<string>, now: number): readonly DeliveryDocument[] {
  const there = new Map(docs.flatMap((doc) => doc === undefined ? [] : [[doc.id, doc.data]]))
  const changed = [...there.values()].filter(({ fact }) => fact === undefined).map((before) => followUp(before, subject, now)).filter((each) => each !== undefined)
  const fresh = planned.filter(({ id }) => !there.has(id)).map((message) => newDelivery(message, subject, full.has(message.channel.name), now))
  return [...changed, ...fresh]
}

async function fullChannels(documents: DocumentStore, lane: Lane, planned: readonly PlannedMessage[]): Promise<ReadonlySet<string>> {
  const names = [...new Set(planned.map(({ channel }) => channel.name))]
  const counts = await Promise.all(names.map((channel) => documents.query(deliveries, { name: 'due', equal: { channel, open: true, lane }, limit: MOST_OPEN[lane] })))
  return new Set(names.filter((_, index) => (counts[index]?.docs.length ?? 0) >= MOST_OPEN[lane]))
}
