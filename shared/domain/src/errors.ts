/**
 * The one table of errors that Lockkeeper answers with. Codes, documentation and types come from here.
 * Shape on the wire: google.rpc.Status with google.rpc.ErrorInfo (AIP-193), domain `lockkeeper.dev`.
 */

export const ERROR_DOMAIN = 'lockkeeper.dev'

interface ErrorRow {
  /** HTTP status of the answer. */
  readonly http: number
  /** google.rpc.Code name. */
  readonly status: string
  /** google.rpc.Code number, used in gRPC answers. */
  readonly grpc: number
  /** Whether Google clients send such a request again by themselves (AIP-194). Policy outcomes never do. */
  readonly resent: boolean
  /** One sentence for the documentation: when it leaves and what the reader can do. */
  readonly help: string
}

const row = (http: number, status: string, grpc: number, help: string, resent = false): ErrorRow => ({ http, status, grpc, resent, help })

export const ERRORS = {
  TOKEN_MISSING: row(401, 'UNAUTHENTICATED', 16, 'The request carries no bearer token. Send the agent\'s OIDC token.'),
  TOKEN_INVALID: row(401, 'UNAUTHENTICATED', 16, 'The bearer token was refused; the message says why. Get a fresh token for the configured audience.'),
  ISSUER_UNAVAILABLE: row(503, 'UNAVAILABLE', 14, 'The keys of the token\'s issuer cannot be fetched, so the token cannot be checked. Nothing was sent; try again.', true),
  CALLER_REFUSED: row(403, 'PERMISSION_DENIED', 7, 'The token is sound, but its owner is none of the callers that this interface is for. Only the services\' and operators\' interfaces answer so.'),
  AGENT_LOCKED: row(403, 'PERMISSION_DENIED', 7, 'A lock (kill switch) stops this agent, run, target or everything. A person must lift it.'),
  TARGET_UNKNOWN: row(403, 'PERMISSION_DENIED', 7, 'The host is no registered target. Add it to `targets` or call another host.'),
  METHOD_UNKNOWN: row(403, 'PERMISSION_DENIED', 7, 'No known API method has this host, verb and path, so it cannot be judged.'),
  REQUEST_AMBIGUOUS: row(400, 'INVALID_ARGUMENT', 3, 'The request can be read in more than one way (encoding, repeated or overriding arguments, duplicate keys). Send the plain form.'),
  REQUEST_INVALID: row(400, 'INVALID_ARGUMENT', 3, 'The request is malformed; the message names the place.'),
  FIELD_UNKNOWN: row(400, 'INVALID_ARGUMENT', 3, 'The body of a change holds a field that the method does not have.'),
  BODY_TOO_LARGE_TO_INSPECT: row(413, 'FAILED_PRECONDITION', 9, 'The body must be inspected and is over the limit `limits.inspectBody`.'),
  POLICY_DENIED: row(403, 'PERMISSION_DENIED', 7, 'Policy denies the call; the error names the rule and the smallest change that would be allowed, where one exists.'),
  MINTS_CREDENTIAL: row(403, 'PERMISSION_DENIED', 7, 'The method hands out a credential. It is denied whatever policy says (invariant 3).'),
  GATEWAY_PROTECTED: row(403, 'PERMISSION_DENIED', 7, 'The resource belongs to the gateway itself and is out of reach of every agent (invariant 12).'),
  MASKED_VALUE_WRITTEN: row(400, 'INVALID_ARGUMENT', 3, 'The request writes back a value that the gateway had masked. It was refused so that data is not destroyed.'),
  CANNOT_MASK: row(403, 'PERMISSION_DENIED', 7, 'The answer must be masked and cannot be inspected, so nothing of it was released.'),
  APPROVAL_PENDING: row(428, 'FAILED_PRECONDITION', 9, 'The call waits for a person. Nothing has run. Send the same call again to wait on; it runs once when approved.'),
  APPROVAL_DENIED: row(403, 'PERMISSION_DENIED', 7, 'A person denied the call; the message carries the reason.'),
  APPROVAL_EXPIRED: row(403, 'PERMISSION_DENIED', 7, 'The approval request expired undecided. This is not a denial: sending the call again asks again.'),
  APPROVAL_UNROUTABLE: row(403, 'PERMISSION_DENIED', 7, 'No person other than the requester may approve the call. Name reviewers in the rule.'),
  STATE_CHANGED: row(409, 'ABORTED', 10, 'What was approved no longer holds: rule, obligations or resource state changed. Sending the call again asks again and shows the difference.'),
  OUTCOME_UNKNOWN: row(409, 'ABORTED', 10, 'An approved call was dialled and its outcome cannot be known. It is never sent again by itself; look at the resource first.'),
  RECEIPT_GONE: row(409, 'ABORTED', 10, 'The call ran and its stored answer is no longer kept.'),
  TOO_MANY_PENDING: row(403, 'PERMISSION_DENIED', 7, 'The agent has too many calls waiting for approval. Have some decided first.'),
  AUDIT_UNAVAILABLE: row(503, 'UNAVAILABLE', 14, 'The audit log cannot take the record, so the call is refused.', true),
  POLICY_STALE: row(503, 'UNAVAILABLE', 14, 'The gateway\'s view of policy or locks is too old to decide by.', true),
  APPROVAL_UNAVAILABLE: row(503, 'UNAVAILABLE', 14, 'The approval service does not answer. Nothing has run.', true),
  CREDENTIAL_UNAVAILABLE: row(503, 'UNAVAILABLE', 14, 'The upstream credential cannot be obtained. Nothing was sent.', true),
  OVERLOADED: row(503, 'UNAVAILABLE', 14, 'The gateway is at one of its limits. Nothing was sent.', true),
  SHUTTING_DOWN: row(503, 'UNAVAILABLE', 14, 'The gateway is stopping. Nothing was sent.', true),
  UPSTREAM_FORBIDDEN: row(403, 'PERMISSION_DENIED', 7, 'The upstream\'s address is loopback, link-local or private and the target does not name it.'),
  UPSTREAM_UNREACHABLE: row(502, 'UNAVAILABLE', 14, 'No connection to the upstream could be made. Nothing was sent.', true),
  UPSTREAM_RESET: row(502, 'UNAVAILABLE', 14, 'The upstream closed the connection in the middle. A change may or may not have happened.'),
  UPSTREAM_TIMEOUT: row(504, 'DEADLINE_EXCEEDED', 4, 'The upstream did not answer in time. A change may or may not have happened.'),
  UPSTREAM_ERROR: row(502, 'UNAVAILABLE', 14, 'The upstream answered with an error page that no API client can read. Its HTTP status is kept, the page left out.'),
  UPSTREAM_INVALID: row(502, 'INTERNAL', 13, 'The upstream\'s answer breaks the protocol.'),
  SESSION_UNKNOWN: row(404, 'NOT_FOUND', 5, 'The upload session is unknown, ended or belongs to another agent or run.'),
  NOT_FOUND: row(404, 'NOT_FOUND', 5, 'The gateway itself has nothing at this address.'),
  INTERNAL: row(500, 'INTERNAL', 13, 'A fault of the gateway\'s own; the record id leads to it.'),
} as const satisfies Record<string, ErrorRow>

export type ErrorReason = keyof typeof ERRORS

export interface ErrorDetail {
  /** Public text for the agent: what happened, whether anything changed, what to do next. */
  readonly message: string
  /** Public facts for programs; strings only (ErrorInfo.metadata). */
  readonly metadata?: Readonly<Record<string, string>>
  /** Links shown by gcloud and the client libraries (google.rpc.Help). */
  readonly links?: readonly { readonly description: string, readonly url: string }[]
  /** Private detail: goes into logs and records after redaction, never to the agent. */
  readonly detail?: string
}

/** Marks verdicts of our own making: no JSON that somebody sends can carry a symbol, so nobody can forge one. */
const REFUSED: unique symbol = Symbol('refused')

/** A verdict that refuses: a value, never thrown through the pipeline. */
export interface Refusal extends ErrorDetail {
  readonly [REFUSED]: true
  readonly reason: ErrorReason
}

export function refuse(reason: ErrorReason, detail: ErrorDetail | string): Refusal {
  return typeof detail === 'string' ? { [REFUSED]: true, reason, message: detail } : { [REFUSED]: true, reason, ...detail }
}

export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && (value as { [REFUSED]?: unknown })[REFUSED] === true
}

/** Thrown where a verdict cannot be a value: their mistake, with a reason of the table. Our own mistakes are TypeErrors. */
export class LockkeeperError extends Error {
  readonly reason: ErrorReason
  readonly refusal: Refusal

  constructor(reason: ErrorReason, message: string, options?: { cause?: unknown, detail?: Omit<ErrorDetail, 'message'> }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'LockkeeperError'
    this.reason = reason
    this.refusal = refuse(reason, { message, ...options?.detail })
  }
}

/** The JSON body of a refusal as every Google client parses it. */
export function googleErrorBody(refusal: Refusal): string {
  const { http, status } = ERRORS[refusal.reason]
  const details: unknown[] = [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: refusal.reason, domain: ERROR_DOMAIN, metadata: refusal.metadata ?? {} }]
  if (refusal.links !== undefined && refusal.links.length > 0) details.push({ '@type': 'type.googleapis.com/google.rpc.Help', links: refusal.links })
  const legacy = [{ message: refusal.message, domain: ERROR_DOMAIN, reason: refusal.reason }]
  return JSON.stringify({ error: { code: http, message: refusal.message, status, errors: legacy, details } })
}
