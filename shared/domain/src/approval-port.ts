/** The approval service as the proxy sees it: what a waiting call is, how it is claimed and how it ended. Part of `ports.ts`. */
import type { Refusal } from './errors.ts'
import type { Agent, Call, Decision } from './index.ts'

/** What names one waiting call: equal keys share one approval request. */
export interface AttachKey {
  readonly issuer: string
  readonly agent: string
  readonly run: string
  /** Of the call as the agent sent it: `unboundCall`. What is approved is the digest of the call with what the gateway filled in. */
  readonly digest: string
  readonly idempotencyKey?: string
}

export interface AccessRequest {
  /** `apr_…`, chosen by the proxy, so that the agent can be told at once. */
  readonly id: string
  readonly attach: AttachKey
  readonly agent: Agent
  readonly call: CanonicalCall
  readonly decision: Decision
  /** Names the resource's state (etag, generation, fingerprint …) and the digest of the call bound to it, where it was read. */
  readonly stateHash?: string
  /** The gateway's own statement beside the call. */
  readonly state?: StateFacts
  readonly effect?: EffectFacts
  /** The agent's own words (`X-Goog-Request-Reason`), untrusted. */
  readonly statedReason?: string
  readonly mode: 'sandbox' | 'real'
  readonly isolation: 'none' | 'user' | 'container'
  /** Epoch ms. */
  readonly at: number
}

/** What the gateway read of the resource before it asked; for approvers only. */
export interface StateFacts {
  /**
   * `bound`: the call carries the state, and the API refuses it beside another. `checked`: the gateway alone compares, right before the
   * call. `none`: the method has nothing to read. `unread`: it could not be read, and the call is bound to nothing.
   */
  readonly kind: 'bound' | 'checked' | 'none' | 'unread'
  /** False: there was no such resource. */
  readonly exists?: boolean
  readonly reader?: string
  /** Record of the read. */
  readonly record?: string
  /** Epoch ms of the read. */
  readonly at?: number
  /** Why it is `unread`. */
  readonly why?: string
  /** Members of the body that are not as they were read, at most 50; what they were is masked. */
  readonly changes?: readonly StateChange[]
  /** Changes beyond those. */
  readonly moreChanges?: number
  /** What else the call depends on or changes, at most 50. */
  readonly others?: readonly OtherState[]
  /** Others beyond those. */
  readonly moreOthers?: number
}

/** The source of a copy, or a document of a commit. */
export interface OtherState {
  readonly role: 'source' | 'document'
  readonly name: string
  /** False: there was no such thing. Undefined: it was not read. */
  readonly exists?: boolean
  /** The API refuses the call beside another state of it. */
  readonly bound: boolean
  /** What a person knows it by, masked: its generation, size, time of change. */
  readonly facts: readonly (readonly [name: string, value: string])[]
}

/** What the API said that the call would do, without doing it; for approvers only. */
export interface EffectFacts {
  /**
   * `bytes` that a query reads, `objects` that are in the bucket or folder, `tables` that are in the dataset; `accepted`, `refused`: what
   * the API says to the call after checking it without doing it; `unknown`: it could not be found out.
   */
  readonly kind: 'bytes' | 'objects' | 'tables' | 'accepted' | 'refused' | 'unknown'
  /** A whole number, as text. */
  readonly amount?: string
  /** There are more. */
  readonly more?: boolean
  /** Why it is `unknown` or `refused`, the API's words masked. */
  readonly why?: string
  /** Record of the read. */
  readonly record?: string
}

/** A place of the body by its members' names, and JSON of what stood there; absent: nothing. */
export interface StateChange { readonly path: readonly string[], readonly before?: string }

/** A Call as it travels and is shown: the approval service recomputes the digest and renders the card from this alone. */
export interface CanonicalCall {
  readonly target: string
  readonly method: string
  readonly change: boolean
  readonly risk: string
  readonly verb: string
  readonly host: string
  readonly path: string
  readonly query: string
  readonly resources: readonly string[]
  readonly arguments: Readonly<Record<string, string>>
  /** Forwarded headers that carry meaning, lower-case names, sorted. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: { readonly kind: 'none' } | { readonly kind: 'json', readonly text: string } | { readonly kind: 'media', readonly contentType: string, readonly size?: number, readonly checksum?: string, readonly metadata?: string }
  readonly iam?: Call['iam']
  readonly returnsSecret: boolean
  readonly dedupeKey?: string
  /** What the gateway filled in: names of arguments, `header.NAME`, `body.A.B`, or `body` where it made all of it. Everything else is the agent's. */
  readonly bound?: readonly string[]
}

/** One approval request as every proxy watches it. */
export interface ApprovalView {
  readonly id: string
  readonly attachHash: string
  readonly digest: string
  readonly decisionHash: string
  readonly state: 'pending' | 'approved' | 'denied' | 'expired' | 'cancelled' | 'claimed' | 'answered' | 'unknown'
  readonly method: string
  readonly agent: string
  readonly run: string
  readonly expiresAt: number
  /** Public text of a denial. */
  readonly reason?: string
  /** Epoch ms until which the receipt can be read; set when answered. */
  readonly receiptUntil?: number
}

export interface Claim {
  /** Fencing id: a completion with an older one is refused. */
  readonly fence: string
  /** Ms from the moment of the answer within which the first byte must be sent, else the claim is void and must be given back as not_sent. */
  readonly dialWithinMs: number
}

export interface StoredAnswer {
  readonly status: number
  readonly headers: readonly string[]
  readonly body: Uint8Array
}

export type Outcome =
  /** Failed before any byte was sent, or upstream answered 429: the grant is free again. */
  | { readonly kind: 'not_sent', readonly why: string }
  /**
   * Answered completely with a status under 500. `answer` is masked; absent for methods that return secrets. `evidence`: the answer was
   * lost, and by what the API told afterwards it has run.
   */
  | { readonly kind: 'answered', readonly answer?: StoredAnswer, readonly status: number, readonly delivered: boolean, readonly evidence?: string }
  | { readonly kind: 'unknown', readonly why: string }

/** Direct calls from proxy to approval; everything else travels as events. All throw PortUnavailable on outage. */
export interface ApprovalApi {
  /**
   * Takes the right to dial once, under the same digest and decision. Refusals: STATE_CHANGED, APPROVAL_*, OUTCOME_UNKNOWN, AGENT_LOCKED.
   * `claimId` names one claim among all: whoever did not hear the answer asks again with it and gets the same fence, and a
   * late copy of a claim that was given back takes nothing.
   */
  claim(request: { readonly approval: string, readonly attach: AttachKey, readonly decisionHash: string, readonly stateHash?: string, readonly holder: string, readonly claimId?: string }): Promise<Claim | Refusal>
  complete(request: { readonly approval: string, readonly fence: string, readonly outcome: Outcome }): Promise<void | Refusal>
  /** The stored answer, for the same agent and run only. RECEIPT_GONE when its window is over. Marks it as delivered when `delivered` says so. */
  receipt(request: { readonly approval: string, readonly attach: AttachKey }): Promise<StoredAnswer | Refusal>
  delivered(request: { readonly approval: string, readonly attach: AttachKey }): Promise<void>
}
