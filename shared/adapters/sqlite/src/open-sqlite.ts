/** The embedded edition's store: documents and events in one SQLite file, behind one worker thread. */
import { resolve } from 'node:path'
import { systemClock, type Clock } from '@lockkeeper/domain'
import { DeclaredDocuments } from '@lockkeeper/domain/documents'
import type { Collection, DocumentStore, EventBus, PortUnavailable } from '@lockkeeper/domain/ports'
import { SqliteDocuments } from './documents.ts'
import { SqliteEvents } from './event-bus.ts'
import { Outbox } from './outbox.ts'
import { StoreClient } from './store-client.ts'
import { Watches } from './watches.ts'

export interface SqliteOptions {
  /** Path of the store; made with 0600 (its directory with 0700) where it does not exist. */
  readonly file: string
  readonly collections: readonly Collection[]
  /** Default: the system's. */
  readonly clock?: Clock
  /** Ms after which an operation that the worker has not answered fails. Default 15,000. */
  readonly timeoutMs?: number
  /** Largest size of the file in bytes. Default 64 GiB. */
  readonly maxBytes?: number
  /** Deliveries and dead letters that may wait before publishing is refused. Default 1,000,000. */
  readonly maxBacklog?: number
  /** Ms between proofs of life, which bound the age of watches. Default 250. */
  readonly beatMs?: number
  /** Ms that a process which is just ending gets to let go of the file. Default 1,000. */
  readonly lockWaitMs?: number
  /** Ms between sweeps of documents whose time is over. Default 60,000. */
  readonly sweepMs?: number
  /** Ms before a rejected delivery is repeated for the first time and at most. Defaults 100 and 60,000. */
  readonly retry?: { readonly baseMs?: number, readonly maxMs?: number }
  /** Spreads retries; 0 to 1. Default Math.random. */
  readonly random?: () => number
  /** Called once when the worker is lost: everything is refused from then on, so the process should end. */
  readonly onFailure?: (error: PortUnavailable) => void
  /** Where the worker's code lies when this package is bundled. */
  readonly workerUrl?: URL
}

export interface SqliteStore {
  readonly documents: DocumentStore
  readonly events: EventBus
  /** Deletes what is past its time now, in bounded steps; resolves with the number of documents. It runs by itself as well. */
  sweep(): Promise<number>
  /** Lets running handlers end, writes what waits and gives the file free. */
  close(): Promise<void>
}

const SWEEP_STEP = 200
const GIB = 1024 ** 3

/** PortUnavailable with a text for the operator when the file is in use, newer, foreign or open to others. */
export async function openSqlite(options: SqliteOptions): Promise<SqliteStore> {
  const clock = options.clock ?? systemClock
  const queueClock = steadyClock(clock)
  const declared = new DeclaredDocuments(options.collections)
  const client = await StoreClient.open({
    worker: {
      file: resolve(options.file),
      // A declaration may carry more than a message can; only this much is needed there.
      collections: declared.all().map(({ name, queries, ttlField }) => ({ name, queries: JSON.parse(JSON.stringify(queries)) as typeof queries, ...(ttlField === undefined ? {} : { ttlField }) })),
      maxBytes: options.maxBytes ?? 64 * GIB,
      maxBacklog: options.maxBacklog ?? 1_000_000,
      beatMs: options.beatMs ?? 250,
      lockWaitMs: options.lockWaitMs ?? 1000,
      openedAt: queueClock.now(),
    },
    workerUrl: options.workerUrl ?? new URL('./worker/main.ts', import.meta.url),
    clock,
    timeoutMs: options.timeoutMs ?? 15_000,
    onFailure: options.onFailure ?? (() => undefined),
  })
  const outbox = new Outbox()
  const watches = new Watches(client)
  const documents = new SqliteDocuments({ client, clock, queueClock, declared, watches, outbox })
  const retry = { baseMs: options.retry?.baseMs ?? 100, maxMs: options.retry?.maxMs ?? 60_000, random: options.random ?? Math.random }
  const events = new SqliteEvents({ client, clock: queueClock, outbox, retry })
  const sweep = (): Promise<number> => sweepAll(documents)
  const sweeper = startSweeping(sweep, options.sweepMs ?? 60_000)
  return {
    documents, events, sweep,
    async close() {
      clearInterval(sweeper)
      await events.close()
      await client.close()
    },
  }
}

/** Epoch ms that go on evenly from now: whole numbers, and deaf to steps of the wall clock until the next start. */
function steadyClock(clock: Clock): Clock {
  const offset = clock.now() - clock.monotonic()
  return { now: () => Math.floor(offset + clock.monotonic()), monotonic: () => clock.monotonic() }
}

async function sweepAll(documents: SqliteDocuments): Promise<number> {
  let total = 0
  for (;;) {
    const removed = await documents.sweep(SWEEP_STEP)
    total += removed
    if (removed < SWEEP_STEP) return total
  }
}

function startSweeping(sweep: () => Promise<number>, everyMs: number): NodeJS.Timeout {
  let running = false
  return setInterval(() => {
    if (running) return
    running = true
    // What a failed sweep leaves is found by the next one; the failure itself reaches everyone who uses the store.
    sweep().catch(() => 0).finally(() => { running = false })
  }, everyMs).unref()
}
