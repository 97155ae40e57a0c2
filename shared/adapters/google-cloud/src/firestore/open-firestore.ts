import { systemClock, type Clock } from '@lockkeeper/domain'
import { DeclaredDocuments } from '@lockkeeper/domain/documents'
import type { Collection, DocumentStore } from '@lockkeeper/domain/ports'
import { refuseUnsafeEnvironment } from '../unsafe-environment.ts'
import { FirestoreDocuments } from './documents.ts'
import { FirestoreClient, type DatabaseAddress } from './firestore-client.ts'
import { Lines } from './lines.ts'
import { Outbox, OUTBOX } from './outbox.ts'

export interface FirestoreOptions extends DatabaseAddress {
  readonly collections: readonly Collection[]
  /** Default: the system's. */
  readonly clock?: Clock
  /** Ms for a read or a query with its repetitions. Default 5,000. */
  readonly readTimeoutMs?: number
  /** Ms for a transaction with its attempts and its turn in line. Default 10,000. */
  readonly transactTimeoutMs?: number
  /** Ms before the second attempt of a read or a transaction; doubled with each further one, up to 250. Default 20. */
  readonly backoffMs?: number
  /** Ms within which a watch must deliver its first set. Default 10,000. */
  readonly watchReadyMs?: number
  /** Ms before a watch that was cut is opened again, for the first time and at most. Defaults 100 and 5,000. */
  readonly watchReopenMs?: { readonly base: number, readonly max: number }
  /** For the operator's log: a watch was interrupted. */
  readonly onProblem: (problem: string, cause: unknown) => void
}

export interface FirestoreStore {
  readonly documents: DocumentStore
  /** For `createOutboxRelay`; facts of transactions lie there until a relay has published them. */
  readonly outbox: Outbox
  /** Ends watches and connections. */
  close(): Promise<void>
}

/** One database. PortUnavailable when no credentials are found; dials with the first call. */
export async function openFirestore(options: FirestoreOptions): Promise<FirestoreStore> {
  refuseUnsafeEnvironment()
  const declared = new DeclaredDocuments(options.collections)
  if (declared.all().some(({ name }) => name === OUTBOX)) throw new TypeError(`a collection cannot be named ${OUTBOX}: facts lie there`)
  const client = await FirestoreClient.open(options)
  const { readTimeoutMs = 5000, transactTimeoutMs = 10_000 } = options
  const outbox = new Outbox(client, transactTimeoutMs)
  const documents = new FirestoreDocuments({
    client, declared, outbox, readTimeoutMs, transactTimeoutMs,
    clock: options.clock ?? systemClock, lines: new Lines(), backoffMs: options.backoffMs ?? 20,
    watch: { readyMs: options.watchReadyMs ?? 10_000, reopenMs: options.watchReopenMs ?? { base: 100, max: 5000 }, onProblem: options.onProblem },
  })
  return {
    documents, outbox,
    async close() {
      documents.close()
      await client.close()
    },
  }
}
