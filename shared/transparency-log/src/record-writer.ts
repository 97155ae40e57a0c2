/**
 * The proxy's side of the log (invariant 8). `append` only encodes, hashes and queues. One batch is on its way at a time;
 * what arrives meanwhile makes the next. Nothing is dropped: while the log takes no batch the writer refuses new calls,
 * still takes the outcomes of those that run and of those that were refused, and goes on sending.
 */
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { LockkeeperError } from '@lockkeeper/domain/errors'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import type { Recorded, RecordBody, RecordEntry, RecordId, RecordWriter } from '@lockkeeper/domain/records'
import { attestWriter, genesisOf, type Attestation } from './attestation.ts'
import { chainHash, sealHeader, type RecordBatch } from './batch.ts'
import { OpenBatch } from './open-batch.ts'
import { RecentHashes } from './recent-hashes.ts'
import { callReference, recordId, writerIdOf } from './record-id.ts'
import { encodeRecord } from './record-line.ts'
import { sendUntilDurable } from './sender.ts'
import { WRITER_CLOSED } from './writer-chain.ts'
import { writerSettings, type RecordWriterOptions, type WriterSettings } from './writer-settings.ts'

export interface ChainedWriter extends RecordWriter {
  /** Stands in the ids of all its records. */
  readonly writer: string
  readonly bootId: string
  /** Entries that are not durable yet. */
  readonly queued: number
}

/** A line longer than this is our own mistake: callers cut what agents send. */
const MAX_LINE = 256 * 1024

/** Makes a fresh key, has it attested and starts. Rejects as the signer does. */
export async function createRecordWriter(options: RecordWriterOptions): Promise<ChainedWriter> {
  const settings = writerSettings(options)
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x as string, 'base64url')
  const facts = { service: settings.service, bootId: settings.bootId, at: settings.clock.now() }
  return new Writer(settings, privateKey, writerIdOf(raw), await attestWriter(settings.signer, raw, facts))
}

class Appended implements Recorded {
  readonly id: RecordId
  readonly #batch: OpenBatch
  readonly #writer: Writer

  constructor(id: RecordId, batch: OpenBatch, writer: Writer) {
    this.id = id
    this.#batch = batch
    this.#writer = writer
  }

  durable(): Promise<void> {
    const promise = this.#batch.durable()
    this.#writer.hurry()
    return promise
  }
}

class Writer implements ChainedWriter {
  readonly writer: string
  readonly bootId: string
  readonly #settings: WriterSettings
  readonly #key: KeyObject
  readonly #recent: RecentHashes
  readonly #stop = new AbortController()
  #attestation: Attestation | undefined
  #prevHash: string
  #nextSeq = 1
  #references = 0
  /** Batches in order; the last is open, the first is on its way while `#sending`. */
  readonly #batches: OpenBatch[] = []
  #queued = 0
  #queuedBytes = 0
  #sending = false
  #late = false
  #lateCause: unknown
  #closed: Promise<void> | undefined
  #hurrying = false
  #timer: NodeJS.Timeout | undefined
  #heartbeat: NodeJS.Timeout | undefined

  constructor(settings: WriterSettings, key: KeyObject, writer: string, attestation: Attestation) {
    this.#settings = settings
    this.#key = key
    this.writer = writer
    this.bootId = settings.bootId
    this.#attestation = attestation
    this.#prevHash = genesisOf(attestation)
    this.#recent = new RecentHashes(settings.rememberedBodies)
    if (settings.heartbeatMs > 0) this.#heartbeat = setInterval(() => this.#beat(), settings.heartbeatMs).unref()
  }

  get queued(): number { return this.#queued }

  get healthy(): boolean {
    return !this.#late && this.#closed === undefined
      && this.#queued < this.#settings.maxQueued && this.#queuedBytes < this.#settings.maxQueuedBytes
  }

  append(entry: RecordEntry, bodies?: readonly RecordBody[]): Recorded {
    if (!this.healthy && !this.#mayStillClose(entry)) throw unavailable()
    return this.#put(entry, bodies)
  }

  reference(): string {
    return callReference(this.writer, ++this.#references)
  }

  close(): Promise<void> {
    this.#closed ??= this.#finish()
    return this.#closed
  }

  /** Somebody waits for the open batch: it leaves in this turn of the event loop unless another is on its way. */
  hurry(): void {
    if (this.#sending || this.#hurrying || this.#batches.length === 0) return
    this.#hurrying = true
    setImmediate(() => {
      this.#hurrying = false
      this.#send()
    })
  }

  /** No call without an outcome: an outage of the log loses neither that of a running call nor that of a refused one. */
  #mayStillClose(entry: RecordEntry): boolean {
    if (this.#closed !== undefined || entry.kind !== 'outcome') return false
    // Room that refusals cannot take is kept for calls that have run.
    const share = entry.intent === undefined && entry.reference === undefined ? 1 : 2
    return this.#queued < share * this.#settings.maxQueued && this.#queuedBytes < share * this.#settings.maxQueuedBytes
  }

  #put(entry: RecordEntry, bodies: readonly RecordBody[] | undefined): Recorded {
    const seq = this.#nextSeq
    const id = recordId(this.writer, seq)
    const line = encodeRecord(id, entry)
    if (line.length > MAX_LINE) throw new TypeError(`a record of ${line.length} characters is over the limit of ${MAX_LINE}`)
    const bodyBytes = bodies?.reduce((sum, { bytes }) => sum + bytes.length, 0) ?? 0
    const batch = this.#openBatch(line.length + bodyBytes)
    const before = batch.size
    batch.add(line)
    if (bodies !== undefined) for (const body of bodies) if (this.#recent.isNew(body.hash)) batch.addBody(body)
    this.#nextSeq = seq + 1
    this.#queued++
    this.#queuedBytes += batch.size - before
    if (!this.#sending) this.#arm(batch)
    return new Appended(id, batch, this)
  }

  /** One with room for so much more. An event has an end: a batch that outgrew it could never be sent, and nothing after it. */
  #openBatch(size: number): OpenBatch {
    const last = this.#batches.at(-1)
    const free = last !== undefined && !(this.#sending && this.#batches.length === 1) && !this.#full(last) && last.late === this.#late && (last.lines.length === 0 || last.size + size <= this.#settings.maxBatchBytes)
    if (free) return last
    const fresh = new OpenBatch(this.#nextSeq)
    if (this.#late) fresh.giveUpWaiting(this.#lateCause)
    this.#batches.push(fresh)
    return fresh
  }

  #full(batch: OpenBatch): boolean {
    return batch.lines.length >= this.#settings.maxBatch || batch.size >= this.#settings.maxBatchBytes
  }

  #arm(batch: OpenBatch): void {
    if (this.#full(batch)) this.hurry()
    else this.#timer ??= setTimeout(() => this.#send(), this.#settings.maxDelayMs)
  }

  #send(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const batch = this.#batches[0]
    if (this.#sending || batch === undefined) return
    this.#sending = true
    void this.#deliver(batch, this.#seal(batch))
  }

  #seal(open: OpenBatch): RecordBatch {
    const { writer } = this
    const { firstSeq, lastSeq, lines, bodies, marks } = open
    const lastHash = open.lines.length === 0 ? this.#prevHash : chainHash(this.#prevHash, open.lineHashes)
    const attestation = firstSeq === 1 && this.#attestation !== undefined ? { attestation: this.#attestation } : {}
    const header = sealHeader({ writer, firstSeq, lastSeq, prevHash: this.#prevHash, lastHash, marks, at: this.#settings.clock.now(), ...attestation }, this.#key)
    this.#prevHash = lastHash
    return { writer, firstSeq, lastSeq, header, lines, bodies }
  }

  async #deliver(open: OpenBatch, batch: RecordBatch): Promise<void> {
    const { publish, clock, maxUnackedMs } = this.#settings
    const durable = await sendUntilDurable(batch, { publish, clock, maxUnackedMs, onLate: (cause) => this.#becomeLate(cause) }, this.#stop.signal)
    if (!durable) return
    this.#batches.shift()
    this.#queued -= open.lines.length
    this.#queuedBytes -= open.size
    open.settle()
    this.#sending = false
    this.#late = false
    this.#heartbeat?.refresh()
    const next = this.#batches[0]
    if (next === undefined) return
    if (next.awaited || this.#batches.length > 1 || this.#closed !== undefined) this.#send()
    else this.#arm(next)
  }

  #becomeLate(cause: unknown): void {
    this.#late = true
    this.#lateCause = cause
    for (const batch of this.#batches) batch.giveUpWaiting(cause)
  }

  /** Only while nothing else is on its way: any batch says that the writer lives. */
  #beat(): void {
    if (this.#batches.length > 0 || this.#closed !== undefined) return
    this.#batches.push(new OpenBatch(this.#nextSeq))
    this.#send()
  }

  /** Rejects with PortUnavailable when the log does not take everything within `maxUnackedMs`. */
  async #finish(): Promise<void> {
    clearInterval(this.#heartbeat)
    const { mode, isolation, clock, maxUnackedMs } = this.#settings
    const lastSeq = this.#nextSeq
    const text = `The writer closed after ${lastSeq} records.`
    const closed = this.#put({ kind: 'event', name: WRITER_CLOSED, at: clock.now(), mode, isolation, origin: 'gateway', text, facts: { writer: this.writer, lastSeq: String(lastSeq) } }, undefined)
    const patience = setTimeout(() => this.#becomeLate(new Error('the writer is closing')), maxUnackedMs)
    try {
      await closed.durable()
    } finally {
      clearTimeout(patience)
      clearTimeout(this.#timer)
      this.#stop.abort()
    }
  }
}

function unavailable(): LockkeeperError {
  const message = 'The audit log cannot take the record, so the call is refused. Nothing was sent.'
  return new LockkeeperError('AUDIT_UNAVAILABLE', message, { cause: new PortUnavailable('the record writer is closed or its batches are not acknowledged') })
}
