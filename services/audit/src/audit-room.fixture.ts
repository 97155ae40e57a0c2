/** The audit service on the embedded edition's adapters, with proxies' writers beside it. */
import { join } from 'node:path'
import { systemClock } from '@lockkeeper/domain'
import { TOPICS } from '@lockkeeper/domain/events'
import type { BlobStore, EventBus, Signer } from '@lockkeeper/domain/ports'
import type { RecordBody, RecordEntry } from '@lockkeeper/domain/records'
import { sha256 } from '@lockkeeper/domain/digest'
import { openFileBlobs, openKeyFile, openSqlite } from '@lockkeeper/adapter-sqlite'
import type { Log } from '@lockkeeper/service-kit'
import { tempDir } from '@lockkeeper/testkit'
import { batchEvent, createRecordWriter, type ChainedWriter, type RecordBatch } from '@lockkeeper/transparency-log'
import { createAuditService, type AuditPorts, type AuditService, type AuditSettingsInput } from './service.ts'

export interface AuditRoom {
  readonly directory: string
  readonly audit: AuditService
  readonly events: EventBus
  readonly blobs: BlobStore
  readonly signer: Signer
  /** What was logged as a warning or an error. */
  readonly complaints: string[]
  writer(options?: { readonly bootId?: string, readonly publish?: (batch: RecordBatch) => Promise<void> }): Promise<ChainedWriter>
  publish(batch: RecordBatch): Promise<void>
  /** Drains and closes. */
  close(): Promise<void>
  /** Closes the store under the service, as a crash would. */
  crash(): Promise<void>
}

const open: AuditRoom[] = []

/** For `afterEach`: closes what a test left open. */
export async function closeRooms(): Promise<void> {
  for (const room of [...open]) await room.close()
}

export async function auditRoom(options: { readonly directory?: string, readonly settings?: Partial<AuditSettingsInput>, readonly blobs?: (files: BlobStore) => BlobStore, readonly start?: boolean, readonly telemetry?: AuditPorts['telemetry'] } = {}): Promise<AuditRoom> {
  const directory = options.directory ?? tempDir()
  const store = await openSqlite({ file: join(directory, 'store.sqlite'), collections: [], retry: { baseMs: 20, maxMs: 100 } })
  const files = await openFileBlobs(directory)
  const blobs = options.blobs?.(files) ?? files
  const signer = await openKeyFile(join(directory, 'keys', 'log.pem'))
  const complaints: string[] = []
  const complain = (facts: object, message: string): void => { complaints.push(`${message} ${JSON.stringify(facts)}`) }
  const log: Log = { debug: () => undefined, info: () => undefined, warn: complain, error: complain }
  const settings: AuditSettingsInput = { mode: 'sandbox', isolation: 'none', bootId: 'boot-now', singleProcess: true, trustedKeys: { writers: [] }, foldEveryMs: 50, checkpointEveryMs: 50, gapWaitMs: 200, lostAfterMs: 100, lostCheckMs: 30, ...options.settings }
  const audit = await startedAudit({ events: store.events, blobs, signer, clock: systemClock, log, telemetry: options.telemetry }, settings, options.start !== false).catch(async (error: unknown) => {
    await store.close()
    throw error
  })
  const publish = (batch: RecordBatch): Promise<void> => store.events.publish(TOPICS.records, [batchEvent(batch, '/proxy/test', systemClock.now())])
  const leave = (): void => { if (open.includes(room)) open.splice(open.indexOf(room), 1) }
  const room: AuditRoom = {
    directory, audit, events: store.events, blobs, signer, complaints, publish,
    writer: ({ bootId = 'boot-now', publish: via = publish } = {}) => createRecordWriter({ service: 'proxy', bootId, signer, clock: systemClock, mode: 'sandbox', isolation: 'none', publish: via }),
    async close() {
      leave()
      await audit.drain()
      await store.close()
    },
    async crash() {
      leave()
      await store.close()
    },
  }
  open.push(room)
  return room
}

async function startedAudit(ports: AuditPorts, settings: AuditSettingsInput, start: boolean): Promise<AuditService> {
  const audit = await createAuditService(ports, settings)
  if (start) await audit.start()
  return audit
}

export function intent(changes: Partial<RecordEntry & { readonly kind: 'intent' }> = {}): RecordEntry {
  return {
    kind: 'intent', at: systemClock.now(), mode: 'sandbox', isolation: 'none', origin: 'agent', issuer: 'test', agent: 'acme/shop', run: 'run-1', door: 'path',
    host: 'storage.googleapis.com', verb: 'DELETE', path: '/storage/v1/b/dev/o/a', method: 'storage.objects.delete', change: true,
    resources: ['//storage.googleapis.com/projects/_/buckets/dev/objects/a'], effect: 'allow', rule: 'agents/dev', ...changes,
  }
}

export function outcome(closes: string | undefined, changes: Partial<RecordEntry & { readonly kind: 'outcome' }> = {}): RecordEntry {
  return { ...intent(), kind: 'outcome', ...(closes === undefined ? {} : { intent: closes }), result: 'answered', status: 200, requestBytes: 0, responseBytes: 2, durationMs: 3, ...changes } as RecordEntry
}

export function body(text: string): RecordBody {
  const bytes = Buffer.from(text)
  return { hash: sha256(bytes), bytes, contentType: 'application/json' }
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
