/**
 * Facts on their way out. They are written in the transaction that makes them true, as documents of their own, and deleted once the
 * bus has taken them: a process that dies in between leaves them for any other one's relay.
 */
import { EVENT_TOPICS, type CloudEvent } from '@lockkeeper/domain/events'
import { encodeId, epochMs, type FieldValue, type StoredDocument, type StoredWrite } from './encoding.ts'
import type { FirestoreClient } from './firestore-client.ts'

export const OUTBOX = 'outbox'
/** A document of Firestore's has at most 1 MiB. */
const MAX_EVENT_BYTES = 900 * 1024

export interface OutboxFact {
  readonly topic: string
  readonly event: CloudEvent
  readonly json: string
}

/** A fact that lies in the database. */
export interface WaitingFact {
  /** Full name of its document. */
  readonly id: string
  readonly topic: string
  readonly event: CloudEvent
}

export interface OutboxPage {
  readonly facts: readonly (WaitingFact & { /** Ms since its commit, by the server's clock alone. */ readonly ageMs: number })[]
  /** Documents in the outbox that are no facts. */
  readonly broken: readonly string[]
  /** Where the next page goes on; absent when this was the last one. */
  readonly next?: readonly FieldValue[]
}

/** TypeError for what is no event of the house or does not fit. */
export function checkFact(event: CloudEvent): OutboxFact {
  const topic = Object.hasOwn(EVENT_TOPICS, event.type) ? EVENT_TOPICS[event.type as keyof typeof EVENT_TOPICS] : undefined
  if (topic === undefined) throw new TypeError(`the event type ${event.type} has no topic`)
  if (event.specversion !== '1.0' || typeof event.id !== 'string' || event.id === '' || typeof event.source !== 'string' || event.source === '') throw new TypeError('an event needs specversion 1.0, id, source and type')
  const json = JSON.stringify(event)
  if (Buffer.byteLength(json) > MAX_EVENT_BYTES) throw new TypeError(`event ${event.id} is over ${MAX_EVENT_BYTES} bytes`)
  return { topic, event, json }
}

/** One event id names one fact: a transaction that is decided again writes it once. */
export function outboxWrite(root: string, { topic, event, json }: OutboxFact): StoredWrite {
  return {
    update: { name: outboxName(root, event), fields: { topic: { stringValue: topic }, json: { stringValue: json } } },
    updateTransforms: [{ fieldPath: 'at', setToServerValue: 'REQUEST_TIME' }],
  }
}

/** Ids are unique for each source only. */
function outboxName(root: string, { source, id }: CloudEvent): string {
  return `${root}/${OUTBOX}/${encodeId(`${source} ${id}`)}`
}

export class Outbox {
  readonly #client: FirestoreClient
  readonly #timeoutMs: number
  #listener: ((facts: readonly WaitingFact[]) => void) | undefined

  constructor(client: FirestoreClient, timeoutMs: number) {
    this.#client = client
    this.#timeoutMs = timeoutMs
  }

  /** Called with the facts of each commit of this process, right after it. One relay for each store. */
  onCommitted(listener: ((facts: readonly WaitingFact[]) => void) | undefined): void {
    this.#listener = listener
  }

  committed(facts: readonly OutboxFact[]): void {
    if (facts.length > 0) this.#listener?.(facts.map(({ topic, event }) => ({ id: outboxName(this.#client.root, event), topic, event })))
  }

  /** What waits longest comes first, whoever wrote it. */
  async page(limit: number, after?: readonly FieldValue[]): Promise<OutboxPage> {
    const ascending = (fieldPath: string) => ({ field: { fieldPath }, direction: 'ASCENDING' }) as const
    const start = after === undefined ? {} : { startAt: { values: after, before: false } }
    const { documents, readTimeMs } = await this.#client.query({ from: [{ collectionId: OUTBOX }], orderBy: [ascending('at'), ascending('__name__')], ...start, limit: { value: limit } }, this.#timeoutMs)
    const facts: OutboxPage['facts'][number][] = []
    const broken: string[] = []
    for (const document of documents) {
      const fact = decodeFact(document)
      if (fact === undefined) broken.push(document.name ?? '')
      else facts.push({ ...fact, ageMs: readTimeMs - epochMs(document.fields?.['at']?.timestampValue) })
    }
    const last = documents.at(-1)
    const next = documents.length < limit || last === undefined ? undefined : [last.fields?.['at'] ?? {}, { referenceValue: last.name ?? '' }]
    return { facts, broken, ...(next === undefined ? {} : { next }) }
  }

  /** Once the bus has them; absence is no error, another relay may have been faster. */
  async remove(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#client.commit(ids.map(name => ({ delete: name })), this.#timeoutMs)
  }
}

function decodeFact({ name, fields }: StoredDocument): WaitingFact | undefined {
  const topic = fields?.['topic']?.stringValue
  const json = fields?.['json']?.stringValue
  if (typeof name !== 'string' || typeof topic !== 'string' || typeof json !== 'string') return undefined
  try {
    return { id: name, topic, event: JSON.parse(json) as CloudEvent }
  } catch {
    return undefined
  }
}
