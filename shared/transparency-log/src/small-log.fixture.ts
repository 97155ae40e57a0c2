/** A small log for tests: real writers, real signatures, segments and checkpoints in memory. */
import { generateKeyPairSync, sign } from 'node:crypto'
import type { Signer } from '@lockkeeper/domain/ports'
import type { RecordEntry } from '@lockkeeper/domain/records'
import { manualClock } from '@lockkeeper/testkit'
import type { RecordBatch } from './batch.ts'
import { signCheckpoint } from './checkpoint.ts'
import { CompactRange } from './merkle.ts'
import { createRecordWriter, type ChainedWriter } from './record-writer.ts'
import { batchLeaf, formatSegment, segmentHash } from './segment.ts'
import type { TrustedKey } from './signatures.ts'
import type { LogSource } from './verify-log.ts'
import type { RecordWriterOptions } from './writer-settings.ts'

export interface TestSigner extends Signer { readonly trusted: TrustedKey }

export function testSigner(keyId: string, algorithm: 'Ed25519' | 'ES256' = 'Ed25519', dsaEncoding: 'der' | 'ieee-p1363' = 'der'): TestSigner {
  const pair = algorithm === 'Ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = pair.publicKey.export({ format: 'jwk' }) as Record<string, string>
  const make = (bytes: Uint8Array): Buffer => algorithm === 'Ed25519' ? sign(null, bytes, pair.privateKey) : sign('sha256', bytes, { key: pair.privateKey, dsaEncoding })
  return { keyId, algorithm, sign: async (bytes) => make(bytes), publicKeyJwk: async () => jwk, trusted: { keyId, algorithm, jwk } }
}

const clock = manualClock(1_790_000_000_000)

export function anIntent(changes: Partial<RecordEntry & { readonly kind: 'intent' }> = {}): RecordEntry {
  return {
    kind: 'intent', at: 1_790_000_000_000, mode: 'sandbox', isolation: 'none', origin: 'agent', issuer: 'test', agent: 'acme/shop', run: 'run-1',
    door: 'path', host: 'storage.googleapis.com', verb: 'DELETE', path: '/storage/v1/b/dev/o/a', method: 'storage.objects.delete',
    change: true, resources: ['//storage.googleapis.com/projects/_/buckets/dev/objects/a'], effect: 'allow', ...changes,
  }
}

export function anOutcome(intent: string | undefined, changes: Partial<RecordEntry & { readonly kind: 'outcome' }> = {}): RecordEntry {
  return {
    ...anIntent(), kind: 'outcome', ...(intent === undefined ? {} : { intent }), result: 'answered', status: 204, requestBytes: 0, responseBytes: 0, durationMs: 1.5, ...changes,
  } as RecordEntry
}

export async function testWriter(publish: RecordWriterOptions['publish'], options: Partial<RecordWriterOptions> = {}): Promise<ChainedWriter> {
  return createRecordWriter({ service: 'proxy', bootId: 'boot-1', signer: testSigner('file:a'), clock, mode: 'sandbox', isolation: 'none', publish, ...options })
}

export interface SmallLog extends LogSource {
  readonly bytes: Buffer[]
  readonly notes: string[]
  readonly batches: RecordBatch[]
  readonly logSigner: TestSigner
  readonly writerSigner: TestSigner
  readonly writers: ChainedWriter[]
}

/** Two writers in turn, `rounds` batches each of 1 to 3 records, two batches a segment, a checkpoint per segment. */
export async function smallLog(rounds = 3, close = true): Promise<SmallLog> {
  const [logSigner, writerSigner] = [testSigner('file:log'), testSigner('file:writers')]
  const batches: RecordBatch[] = []
  const publish = async (batch: RecordBatch): Promise<void> => { batches.push(batch) }
  const writers = [await testWriter(publish, { signer: writerSigner }), await testWriter(publish, { signer: writerSigner, bootId: 'boot-2' })]
  for (let round = 0; round < rounds; round++) {
    for (const writer of writers) {
      const intent = writer.append(anIntent({ run: `run-${round}` }))
      if (round % 2 === 0) writer.append(anOutcome(intent.id))
      await writer.append(anOutcome(undefined, { result: 'refused', reason: 'POLICY_DENIED', path: '/ü/\n"' })).durable()
    }
  }
  if (close) for (const writer of writers) await writer.close()
  return { ...await foldLog(batches, logSigner), batches, logSigner, writerSigner, writers, trustedKeys: { writers: [writerSigner.trusted], log: [logSigner.trusted] } }
}

export async function foldLog(batches: readonly RecordBatch[], signer: Signer, perSegment = 2): Promise<Pick<SmallLog, 'bytes' | 'notes' | 'segments' | 'checkpoints'>> {
  const bytes: Buffer[] = []
  const notes: string[] = []
  const tree = new CompactRange()
  for (let start = 0; start < batches.length; start += perSegment) {
    const part = batches.slice(start, start + perSegment)
    const last = bytes.at(-1)
    bytes.push(formatSegment({ segment: bytes.length + 1, firstBatch: start, prevSegment: last === undefined ? '' : segmentHash(last) }, part))
    for (const batch of part) tree.append(batchLeaf(batch.header))
    notes.push(await signCheckpoint({ origin: 'lockkeeper.test/log', size: tree.size, root: tree.root(), at: 1_790_000_000_000 + start }, signer))
  }
  return { bytes, notes, segments: () => bytes, checkpoints: () => notes }
}
