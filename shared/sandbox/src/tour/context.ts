/** What the tour needs of its caller. It knows no service: everything comes in here. */
import type { ApprovalView } from '@lockkeeper/domain/ports'
import type { RecordEntry } from '@lockkeeper/domain/records'
import type { SandboxUpstream } from '../upstream/upstream.ts'
import type { SpawnClient } from './child.ts'

export interface TourContext {
  readonly gateway: {
    /** `http(s)://127.0.0.1:PORT` of the agent port: path door (`/<host>/<path>`), token endpoint and CONNECT proxy. */
    readonly origin: string
    /** PEM file with the authority of the forward door; also trusted for `origin` when that is https. */
    readonly caFile: string
  }
  readonly agent: {
    readonly id: string
    /** One run for the whole tour: the session that is shown at its end. */
    readonly run: string
    /** E-mail address of a Person of people.yaml who is not the approver. */
    readonly sponsor: string
  }
  /**
   * The whole environment of an agent's process, as `lockkeeper run` makes it, PATH included: HTTPS_PROXY, NO_PROXY for the gateway,
   * NODE_EXTRA_CA_CERTS, CURL_CA_BUNDLE, GOOGLE_APPLICATION_CREDENTIALS (an external_account file whose token_url is the gateway's),
   * CLOUDSDK_AUTH_ACCESS_TOKEN_FILE, CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE, GOOGLE_CLOUD_PROJECT. Must hold for the whole tour.
   */
  agentEnvironment(): Promise<Readonly<Record<string, string>>>
  /** The agent's own bearer token, the one that the environment's token file holds. */
  agentToken(): Promise<string>
  readonly spawnClient: SpawnClient
  readonly approvals: {
    /** Resolves with the first pending request of the run for the method; rejects after `timeoutMs`. */
    waitForPending(filter: { readonly run: string, readonly method: string }, timeoutMs: number): Promise<ApprovalView>
  }
  /** Has the request approved by a person: waits for the key press, or presses it itself in once mode. Resolves when decided. */
  approve(view: ApprovalView): Promise<void>
  /** Ms that a person may take in `approve`; default 600,000. */
  readonly approvalTimeoutMs?: number
  readonly audit: {
    /** Records of one run in any order, those of calls just answered included. */
    session(run: string): Promise<readonly RecordEntry[]>
    /** The offline verifier over the whole log. */
    verify(): Promise<{ readonly ok: boolean, readonly entries: number, readonly problems: readonly string[] }>
  }
  readonly upstream: SandboxUpstream
  readonly out: { write(text: string): unknown }
}

/** One thing that the tour shows. Throws StepFailed when it does not hold. */
export interface TourStep {
  readonly title: string
  /** Ms, without the time that a person takes; default 90,000. */
  readonly timeoutMs?: number
  /** True where the step waits for a person. */
  readonly waitsForPerson?: boolean
  /** `say` prints a line of what was seen. */
  run(context: TourContext, say: (line: string) => void): Promise<void>
}

export class StepFailed extends Error {
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.name = 'StepFailed'
  }
}

/** `expect(condition, 'what was wrong')` */
export function expect(condition: unknown, otherwise: string): asserts condition {
  if (condition === false || condition === undefined || condition === null) throw new StepFailed(otherwise)
}
