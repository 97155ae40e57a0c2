/** One attempt at a time for each delivery, over all instances: taken with a lease, given back with its result. */
import { randomBytes } from 'node:crypto'
import { isRefusal } from '@lockkeeper/domain/errors'
import type { DocumentStore, Ref } from '@lockkeeper/domain/ports'
import type { Attempt } from './channels/channel.ts'
import { deliveries, subjects, type DeliveryDocument, type SubjectDocument } from './collections.ts'
import { settled } from './settle.ts'
import type { Subject } from './subject.ts'

export interface Taken { readonly delivery: DeliveryDocument, readonly subject: Subject, readonly lease: string }

/** An attempt that is silent for that long was left behind. */
const LEASE_MS = 60_000

const refOf = (id: string): Ref<DeliveryDocument> => ({ collection: deliveries, id })

/** Takes a delivery for one attempt; undefined where another instance has it, or nothing is to be sent any more. */
export async function take(documents: DocumentStore, id: string): Promise<Taken | undefined> {
  const [known] = await documents.read([refOf(id)])
  if (known === undefined) return undefined
  const subjectRef: Ref<SubjectDocument> = { collection: subjects, id: known.data.subject }
  const lease = randomBytes(12).toString('base64url')
  const taken = await documents.transact<Taken | undefined>([refOf(id), subjectRef], ([own, about], now) => {
    const delivery = own?.data as DeliveryDocument | undefined
    const subject = (about?.data as SubjectDocument | undefined)?.subject
    if (delivery === undefined || subject === undefined || !delivery.open || delivery.dueAt > now) return { writes: [], facts: [], result: undefined }
    return { writes: [{ kind: 'put', ref: refOf(id), data: { ...delivery, lease, dueAt: now + LEASE_MS } }], facts: [], result: { delivery, subject, lease } }
  })
  return isRefusal(taken) ? undefined : taken
}

/** Writes down what came of the attempt; nothing where another one has begun since. */
export async function giveBack(documents: DocumentStore, { delivery: { id }, subject, lease }: Taken, result: Attempt, random: () => number): Promise<void> {
  const subjectRef: Ref<SubjectDocument> = { collection: subjects, id: subject.id }
  const drawn = random()
  await documents.transact([refOf(id), subjectRef], ([own, about], now) => {
    const delivery = own?.data as DeliveryDocument | undefined
    const current = (about?.data as SubjectDocument | undefined)?.subject
    if (delivery === undefined || delivery.lease !== lease) return { writes: [], facts: [], result: undefined }
    const data = settled(delivery, { sentRevision: subject.revision, current: current ?? subject }, result, () => drawn, now)
    return { writes: [{ kind: 'put', ref: refOf(id), data }], facts: [], result: undefined }
  })
}
