/** Bounds of one instance: bytes that are read, calls that are kept. */
export interface Limits {
  /** Bytes up to which a body is parsed at once. Default 64 KiB. */
  readonly collectBody: number
  /** Bytes up to which a body is inspected at all. Default 4 MiB. */
  readonly inspectBody: number
  /** Bytes up to which a body is kept beside its record. Default 256 KiB. */
  readonly recordBody: number
  /** Calls held at once on this instance. Default 500. */
  readonly held: number
  /** Calls of one agent held at once. Default 20. */
  readonly heldPerAgent: number
  /** Calls of one agent waiting for approval, held or not. Default 50. */
  readonly pendingPerAgent: number
  /** Calls in progress on this instance. Default 1,000. */
  readonly inFlight: number
}

export const DEFAULT_LIMITS: Limits = {
  collectBody: 64 * 1024, inspectBody: 4 * 1024 * 1024, recordBody: 256 * 1024, held: 500, heldPerAgent: 20, pendingPerAgent: 50, inFlight: 1000,
}
