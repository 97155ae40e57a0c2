/** Events that were handled once: a redelivery changes nothing, and what can never be handled is kept as poisoned. */
import { sha256 } from '@lockkeeper/domain/digest'
import type { CloudEvent } from '@lockkeeper/domain/events'
import type { DocumentStore, Ref, Write } from '@lockkeeper/domain/ports'
import { inbox, REMEMBER_MS, type InboxEntry } from './collections.ts'

export function inboxRef(event: CloudEvent): Ref<InboxEntry> {
  return { collection: inbox, id: sha256(JSON.stringify([event.source, event.id])) }
}

/** To be written in the same transaction as what the event caused. */
export function handled(event: CloudEvent, at: number, why?: string): Write {
  const data: InboxEntry = {
    type: event.type, source: event.source.slice(0, 512), event: event.id.slice(0, 512), at,
    poisoned: why !== undefined, ...why === undefined ? {} : { why: why.slice(0, 2000) }, deleteAt: at + REMEMBER_MS,
  }
  return { kind: 'put', ref: inboxRef(event), data }
}

export async function wasHandled(documents: DocumentStore, event: CloudEvent): Promise<boolean> {
  const [entry] = await documents.read([inboxRef(event)])
  return entry !== undefined
}

/** Writes down that the event can never be handled, once. */
export async function poison(documents: DocumentStore, event: CloudEvent, why: string): Promise<void> {
  await documents.transact([inboxRef(event)], ([seen], now) => ({ writes: seen === undefined ? [handled(event, now, why)] : [], facts: [], result: undefined }))
}
