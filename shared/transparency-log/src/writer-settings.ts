import type { Clock, IsolationLevel, Mode } from '@lockkeeper/domain'
import type { Signer } from '@lockkeeper/domain/ports'
import type { RecordBatch } from './batch.ts'

export interface RecordWriterOptions {
  /** Service that writes: `proxy`, `audit`. */
  readonly service: string
  /** One start of one instance. */
  readonly bootId: string
  /** Long-lived key that attests the writer's ephemeral one, once at start. */
  readonly signer: Signer
  /** Resolves when the batch is durable. It is called again with the same batch after a rejection. */
  readonly publish: (batch: RecordBatch) => Promise<void>
  readonly clock: Clock
  /** Stand in the writer's own records. */
  readonly mode: Mode
  readonly isolation: IsolationLevel
  /** Records per batch, default 500. */
  readonly maxBatch?: number
  /**
   * Characters of lines and bytes of bodies per batch, default 2 MiB; one larger entry makes a batch of its own. A character takes three
   * bytes of an event at most, and an event may have 8 MiB.
   */
  readonly maxBatchBytes?: number
  /** Ms that entries nobody waits for may collect, default 5. An entry that is waited for goes at once when no batch is on its way. */
  readonly maxDelayMs?: number
  /** Ms without an acknowledgement after which the writer takes no more calls, default 5,000. */
  readonly maxUnackedMs?: number
  /** Entries on their way or waiting, default 20,000; twice as many for outcomes that close an intent. */
  readonly maxQueued?: number
  /** Bytes on their way or waiting, default 64 MiB; twice as many for outcomes that close an intent. */
  readonly maxQueuedBytes?: number
  /** Ms of silence after which an empty signed batch says that the writer lives; default 0: never. */
  readonly heartbeatMs?: number
  /** Bodies remembered so as not to be sent twice, default 10,000. */
  readonly rememberedBodies?: number
}

export const WRITER_DEFAULTS = {
  maxBatch: 500,
  maxBatchBytes: 2 * 1024 * 1024,
  maxDelayMs: 5,
  maxUnackedMs: 5_000,
  maxQueued: 20_000,
  maxQueuedBytes: 64 * 1024 * 1024,
  heartbeatMs: 0,
  rememberedBodies: 10_000,
} as const satisfies Partial<RecordWriterOptions>

export type WriterSettings = Required<RecordWriterOptions>

/** TypeError for bounds that are no positive whole numbers. */
export function writerSettings(options: RecordWriterOptions): WriterSettings {
  const settings: WriterSettings = { ...WRITER_DEFAULTS, ...options }
  for (const name of Object.keys(WRITER_DEFAULTS) as (keyof typeof WRITER_DEFAULTS)[]) {
    const least = name === 'heartbeatMs' || name === 'maxDelayMs' ? 0 : 1
    if (!Number.isSafeInteger(settings[name]) || settings[name] < least) throw new TypeError(`record writer: ${name} must be a whole number of at least ${least}`)
  }
  return settings
}
