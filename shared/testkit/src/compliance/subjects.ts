/** What an adapter gives to the suites. Each `open` makes a fresh, empty one; nothing of another test may be in it. */
import type { BlobStore, Collection, DocumentStore, EventBus, SecretSource, Signer } from '@lockkeeper/domain/ports'

export interface Closable {
  close(): Promise<void>
}

export interface OpenedDocuments extends Closable {
  readonly documents: DocumentStore
  /** Where facts of transactions come out; the suite subscribes to topic `locks` as `compliance`. */
  readonly events: EventBus
  /** Closes and opens again over the same data; absent where an adapter has nothing of its own to open. */
  readonly reopen?: () => Promise<OpenedDocuments>
}

export interface OpenedEvents extends Closable {
  readonly events: EventBus
  readonly reopen?: () => Promise<OpenedEvents>
}

export interface OpenedBlobs extends Closable {
  readonly blobs: BlobStore
  readonly reopen?: () => Promise<OpenedBlobs>
}

export interface OpenedSigner extends Closable {
  readonly signer: Signer
  readonly reopen?: () => Promise<OpenedSigner>
}

export interface OpenedSecrets extends Closable {
  readonly secrets: SecretSource
  /** Gives a secret a value, as an operator would. */
  set(name: string, value: string): Promise<void>
  /** False: the source does not tell versions apart. Default true. */
  readonly versions?: boolean
}

export interface SuiteSettings {
  /** Ms that the suite waits for what must happen. Default 5,000. */
  readonly patienceMs?: number
  /** Shortest acknowledgement deadline that the adapter has, in ms. Default 100. */
  readonly ackDeadlineMs?: number
}

export interface Thing { readonly kind: string, readonly n: number, readonly flag?: boolean, readonly text?: string, readonly until?: number }

/** The collection that `documentStoreCompliance` uses: an adapter's test declares it to its store. */
export const THINGS: Collection<Thing> = {
  name: 'compliance-things',
  queries: {
    all: { equal: [] },
    byKind: { equal: ['kind'], order: { field: 'n', direction: 'asc' } },
    newest: { equal: ['kind'], order: { field: 'n', direction: 'desc' } },
    flagged: { equal: ['kind', 'flag'] },
    byText: { equal: [], order: { field: 'text', direction: 'asc' } },
  },
  ttlField: 'until',
}

/** Subscriptions that `eventBusCompliance` uses, for buses whose topology is made beforehand. */
export const COMPLIANCE_SUBSCRIPTIONS = [
  { topic: 'compliance', name: 'first' }, { topic: 'compliance', name: 'second' }, { topic: 'compliance-other', name: 'first' },
] as const
