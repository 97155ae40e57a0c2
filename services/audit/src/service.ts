/** The audit service: one log out of all writers' chains, and the answers to what can be asked of it (invariant 8). */
import type { Router } from 'express'
import type { Clock } from '@lockkeeper/domain'
import type { BlobStore, EventBus, Signer } from '@lockkeeper/domain/ports'
import type { Log } from '@lockkeeper/service-kit'
import type { Telemetry } from '@lockkeeper/service-kit/telemetry'
import type { TrustedKey, TrustedKeys } from '@lockkeeper/transparency-log'
import { Checkpointer } from './checkpointer.ts'
import { FactRecorder } from './fact-recorder.ts'
import { FoldLag } from './fold-lag.ts'
import { LogFold } from './fold.ts'
import { Intake } from './intake.ts'
import { LogReader } from './log-reader.ts'
import type { LogBook } from './log-book.ts'
import { LostWriters } from './lost-writers.ts'
import { Notices } from './notices.ts'
import { OwnWriter } from './own-writer.ts'
import { Pulse } from './pulse.ts'
import { AuditQueries } from './queries.ts'
import { RecordSearch } from './record-search.ts'
import { auditRoutes } from './routes.ts'
import { SegmentIndex } from './segment-index.ts'
import { auditSettings, type AuditSettingsInput } from './settings.ts'

export { exportedKeys, openLogDirectory, type ExportedLog } from './log-export.ts'
export type { AuditQueries } from './queries.ts'
export type { RecordFilter } from './record-filter.ts'
export type { RecordPage } from './record-search.ts'
export type { RecordView, ShownBody } from './record-view.ts'
export type { Session, SessionOptions, SessionStep } from './session.ts'
export { auditSettings, type AuditSettings, type AuditSettingsInput } from './settings.ts'
export type { TailOptions } from './tail.ts'
export { renderSession, renderTimeline } from './timeline.ts'

export interface AuditPorts {
  readonly events: EventBus
  readonly blobs: BlobStore
  /** Signs checkpoints and attests the service's own writer. */
  readonly signer: Signer
  readonly clock: Clock
  readonly log: Log
  /** Undefined: off. */
  readonly telemetry?: Pick<Telemetry, 'gauge'> | undefined
}

export interface AuditService {
  /** For the admin listener only. */
  readonly routes: Router
  readonly queries: AuditQueries
  /** Public keys that verify this log. */
  readonly trustedKeys: TrustedKeys
  /** Opens the log and takes batches. Rejects with PortUnavailable when the log cannot be read or is damaged. */
  start(): Promise<void>
  /** Takes nothing more, writes what is pending, a last checkpoint and the state. */
  drain(): Promise<void>
  /** Resolves when everything published so far is folded and checkpointed. PortUnavailable after `timeoutMs`, default 10,000. */
  flush(timeoutMs?: number): Promise<void>
}

const SETTLE_MS = 10_000

/** Rejects with a ZodError that names all wrong settings, or as the signer does. */
export async function createAuditService(ports: AuditPorts, input: AuditSettingsInput): Promise<AuditService> {
  const settings = auditSettings.parse(input)
  const { events, blobs, signer, clock, log } = ports
  const own: TrustedKey = { keyId: signer.keyId, algorithm: signer.algorithm, jwk: await signer.publicKeyJwk() }
  const trustedKeys: TrustedKeys = { writers: withKey(settings.trustedKeys.writers, own), log: withKey(settings.trustedKeys.log, own) }
  const reader = new LogReader(blobs)
  const index = new SegmentIndex(reader, settings.indexBytes)
  const search = new RecordSearch(reader, index)
  const growth = new Pulse()
  const checkpointer = new Checkpointer({ blobs, reader, signer, clock, log, origin: settings.origin, everyMs: settings.checkpointEveryMs })
  const onSegment = (book: LogBook): void => {
    checkpointer.grown(book)
    growth.beat()
  }
  const lag = new FoldLag(clock)
  observeLag(ports.telemetry, lag)
  const fold = new LogFold({ blobs, reader, clock, log, trustedKeys, settings, lag, onSegment, checkpoint: (book) => checkpointer.write(book) })
  const notices = new Notices({ events, clock })
  const writer = new OwnWriter({ fold, notices, signer, clock, settings })
  const intake = new Intake({ events, clock, fold, notices, facts: new FactRecorder({ writer, fold, search, settings }), settings })
  const lost = new LostWriters({ fold, reader, writer, clock, log, settings })
  const settle = async (timeoutMs = SETTLE_MS): Promise<number> => {
    await intake.settle(timeoutMs)
    await fold.flush()
    return checkpointer.write(await fold.book())
  }
  const queries = new AuditQueries({ blobs, reader, growth, index, search, trustedKeys, origin: settings.origin, settle })
  return {
    routes: auditRoutes(queries), queries, trustedKeys,
    async start() {
      await fold.book()
      intake.start()
      lost.start()
    },
    async drain() {
      await lost.stop()
      await intake.stop()
      await writer.close()
      await fold.close()
      checkpointer.stop()
    },
    async flush(timeoutMs) { await settle(timeoutMs) },
  }
}

function observeLag(telemetry: AuditPorts['telemetry'], lag: FoldLag): void {
  telemetry?.gauge({ name: 'lockkeeper.audit.lag', unit: 's', text: 'From the sealing of a batch of records to its place in the log.' }, () => lag.lagMs / 1000)
  telemetry?.gauge({ name: 'lockkeeper.audit.silence', unit: 's', text: 'Since a writer of records was last heard; proxies of the Google Cloud edition beat every 10 s.' }, () => lag.silentMs / 1000)
}

function withKey(keys: readonly TrustedKey[], own: TrustedKey): readonly TrustedKey[] {
  return keys.some((key) => key.keyId === own.keyId) ? keys : [...keys, own]
}
