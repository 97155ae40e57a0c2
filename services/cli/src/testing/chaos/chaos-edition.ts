/** Tests only: what a chaos run needs of an edition. */
import type { LogReport, StoredRecord } from '@lockkeeper/transparency-log'

export interface WaitingRequest { readonly id: string, readonly resources: readonly string[], readonly digest: string }

export interface ChaosEdition {
  /** Where agents may call, at this moment. */
  origins(): readonly string[]
  /** For an hour. */
  token(agent: string): Promise<string>
  /** The newest requests that wait for a person. Rejects while the service that knows is away. */
  pending(): Promise<readonly WaitingRequest[]>
  decide(request: WaitingRequest, verdict: 'approve' | 'deny'): Promise<void>
  /** The state of a request. Rejects while the service that knows is away. */
  state(approval: string): Promise<string>
  /** What can be killed. */
  readonly parts: readonly string[]
  /** Kills that part with SIGKILL and starts it again; resolves once it is ready. */
  kill(part: string): Promise<void>
  /** After the last call: ends the proxies, waits for what is on its way and for the notice of vanished writers, and reads the whole log. */
  settle(isSettled: (records: readonly StoredRecord[]) => boolean): Promise<{ readonly records: readonly StoredRecord[], readonly report: LogReport }>
  close(): Promise<void>
}
