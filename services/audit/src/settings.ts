/** Settings of the audit service: schema, defaults and units. Unknown names stop the start. */
import type { TrustedKey } from '@lockkeeper/transparency-log'
import { z } from 'zod'

const trustedKey: z.ZodType<TrustedKey> = z.strictObject({
  keyId: z.string().min(1),
  algorithm: z.enum(['Ed25519', 'ES256']),
  jwk: z.record(z.string(), z.string()),
})

const milliseconds = (least: number, most: number): z.ZodNumber => z.number().int().min(least).max(most)

export const auditSettings = z.strictObject({
  /** Stand in the service's own records. */
  mode: z.enum(['sandbox', 'real']),
  isolation: z.enum(['none', 'user', 'container']),
  /** Name of the log in its checkpoints; without spaces. */
  origin: z.string().regex(/^[^\s+\p{Cc}]{1,200}$/u).default('lockkeeper/log'),
  /** Keys that may attest writers, and keys that signed earlier checkpoints. The service's own key is added to both. */
  trustedKeys: z.strictObject({ writers: z.array(trustedKey), log: z.array(trustedKey).default([]) }),
  /** One start of this process. */
  bootId: z.string().min(1).max(200),
  /** True in the embedded edition: one process holds the store, so a writer of another start is gone. Else silence alone tells, and writers send heartbeats. */
  singleProcess: z.boolean(),
  /** Ms of silence after which a writer counts as vanished. Default 2,000 in a single process, else 60,000. */
  lostAfterMs: milliseconds(10, 86_400_000).optional(),
  /** Ms between looks for vanished writers. */
  lostCheckMs: milliseconds(10, 600_000).default(1_000),
  /** Ms that batches may wait to share a segment. A query folds at once. */
  foldEveryMs: milliseconds(1, 5_000).default(1_000),
  /** Bytes at which a segment is written without waiting. */
  segmentBytes: z.number().int().min(1_024).max(64 * 1024 * 1024).default(1024 * 1024),
  /** Ms between checkpoints. A query makes one at once. */
  checkpointEveryMs: milliseconds(0, 600_000).default(1_000),
  /** Ms that a query waits for a batch whose predecessor has not come. */
  gapWaitMs: milliseconds(10, 8_000).default(3_000),
  /** Ms that such a batch is held before the bus is asked to bring it again; within the bus's deadline for an acknowledgement. Default `gapWaitMs`. */
  gapHoldMs: milliseconds(10, 50_000).optional(),
  /** Batches handled at once. */
  concurrency: z.number().int().min(16).max(1_000).default(512),
  /** Deliveries before a batch goes to the dead letters. */
  maxDeliveries: z.number().int().min(5).max(100).default(20),
  /** Segments between two saved states, which make the start quick. */
  stateEverySegments: z.number().int().min(1).max(10_000).default(64),
  /** Facts of other services that are known by heart, so that one that comes again makes no second record. The log is asked for older ones. About 35 bytes each in a saved state. */
  rememberedFacts: z.number().int().min(1).max(100_000).default(2_000),
  /** Removes saved states that newer ones replace. False where the account may not delete: the bucket's lifecycle does it then. */
  removesOldStates: z.boolean().default(true),
  /** Memory for the search index; what no longer fits is read from the log instead. */
  indexBytes: z.number().int().min(1_024).max(1024 * 1024 * 1024).default(64 * 1024 * 1024),
})

export type AuditSettings = z.output<typeof auditSettings>
export type AuditSettingsInput = z.input<typeof auditSettings>

export function lostAfterMs(settings: AuditSettings): number {
  return settings.lostAfterMs ?? (settings.singleProcess ? 2_000 : 60_000)
}
