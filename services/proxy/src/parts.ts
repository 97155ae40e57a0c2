/** What the proxy is made of: its ports, its settings, and the parts built from them at start. */
import type { TokenVerifier } from '@lockkeeper/auth'
import type { Catalog } from '@lockkeeper/catalog'
import type { Clock, IsolationLevel, Mode } from '@lockkeeper/domain'
import type { ApprovalApi, DocumentStore, EventBus } from '@lockkeeper/domain/ports'
import type { RecordWriter } from '@lockkeeper/domain/records'
import type { Policy } from '@lockkeeper/policy-engine'
import type { Log } from '@lockkeeper/service-kit'
import type { Telemetry } from '@lockkeeper/service-kit/telemetry'
import type { ApprovalsView } from './approvals-view.ts'
import type { Upstreams } from './exchange/upstreams.ts'
import type { UploadSessions } from './exchange/upload-sessions.ts'
import type { Holds } from './holds.ts'
import type { Limits } from './limits.ts'
import type { LocksView } from './locks-view.ts'
import type { Maskers } from './maskers.ts'
import type { OpenCalls } from './open-calls.ts'
import type { OwedRecords } from './owed-records.ts'
import type { Targets } from './targets.ts'
import type { CallTelemetry } from './telemetry/call-telemetry.ts'

/** The bundle in force, as the watch delivers it. */
export interface PolicyView {
  current(): Policy | undefined
  /** Ms since the view was last known to be complete. */
  age(): number
  /** One strong read; rejects with PortUnavailable on outage. */
  refresh(): Promise<void>
}

export interface ProxyPorts {
  readonly clock: Clock
  readonly documents: Pick<DocumentStore, 'watch' | 'query'>
  readonly events: Pick<EventBus, 'publish'>
  readonly approval: ApprovalApi
  readonly verifier: TokenVerifier
  readonly catalog: Catalog
  readonly policy: PolicyView
  /** `queued`: entries that are not durable yet. */
  readonly records: RecordWriter & { readonly queued?: number }
  readonly targets: Targets
  /** 32 bytes that seal upload sessions; the same on every instance. */
  readonly sessionKey: Uint8Array
  readonly log: Log
  /** Undefined: off, and nothing is measured. */
  readonly telemetry?: Telemetry | undefined
}

export interface ProxySettings {
  readonly mode: Mode
  readonly isolation: IsolationLevel
  /** Name of this instance and boot: holder of claims, source of events. */
  readonly instance: string
  /** Ms that a waiting call is held open. Default 25,000; 5,000 to 55,000. */
  readonly holdMs: number
  /** Ms after which the views of policy and locks are too old to decide by. Default 5,000. */
  readonly staleAfterMs: number
  /** Ms until an upstream must have answered with headers. Default 120,000. */
  readonly upstreamHeadersMs: number
  /** Ms between two parts of an upstream's body. Default 120,000. */
  readonly upstreamBodyMs: number
  /** Ms before each look for an approved call whose answer was lost. Default: 0, 500 and 2,000. */
  readonly lookAfterMs?: readonly number[]
  readonly limits: Limits
  /** Globs of full resource names that belong to the gateway itself (invariant 12). */
  readonly protectedResources: readonly string[]
  /** Where a person decides: shown in 428 answers, `{id}` is replaced. */
  readonly approvalUrl?: string
}

export interface Parts extends ProxyPorts {
  readonly settings: ProxySettings
  readonly calls: CallTelemetry | undefined
  readonly approvals: ApprovalsView
  readonly locks: LocksView
  readonly maskers: Maskers
  readonly upstreams: Upstreams
  readonly sessions: UploadSessions
  readonly holds: Holds
  readonly open: OpenCalls
  readonly owed: OwedRecords
}
