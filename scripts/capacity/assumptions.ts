/** What the model of docs/capacity.md takes for granted: measured, counted in the sources, or assumed. Each says which. */

export interface Assumption {
  readonly value: number
  readonly unit: string
  readonly what: string
  readonly from: 'measured' | 'counted' | 'assumed'
}

const one = (value: number, unit: string, what: string, from: Assumption['from']): Assumption => ({ value, unit, what, from })

export const ASSUMPTIONS = {
  peak: one(2, '×', 'the busiest minute against the average', 'assumed'),
  cpuPerCall: one(179, 'µs', 'CPU of one masked read, its records and the audit service included (benchmark.md)', 'measured'),
  cloudFactor: one(2, '×', 'what TLS on both sides, HTTP/2 and Pub/Sub in place of plain loopback add to that', 'assumed'),
  loopShare: one(0.5, '', 'how much of one core the proxy\'s event loop may be busy before p99 suffers', 'assumed'),
  changes: one(0.15, 'of calls', 'changes and large answers: an intent and an outcome; the others have one record', 'assumed'),
  recordBytes: one(1_200, 'bytes', 'one record in the log, its share of the batch\'s header included (a read with every field: 990 bytes)', 'assumed'),
  bodyBytes: one(1_024, 'bytes', 'masked bodies kept beside a record; a third more in Pub/Sub, as base64', 'assumed'),
  answerBytes: one(4_096, 'bytes', 'an answer to an agent', 'assumed'),
  batchMs: one(5, 'ms', 'a proxy closes a batch of records after so long', 'counted'),
  batchRecords: one(500, 'records', 'or after so many', 'counted'),
  batchHeaderBytes: one(700, 'bytes', 'header, signature and attributes of a batch', 'assumed'),
  auditPerBatch: one(110, 'µs', 'the check of a batch\'s signature (benchmark.md)', 'measured'),
  auditPerRecord: one(20, 'µs', 'taking up a record: about half of the third of a call that the log costs', 'assumed'),
  auditConcurrency: one(512, 'batches', 'the audit service has in work at once', 'counted'),
  blobSeconds: one(0.08, 's', 'Cloud Storage takes to write one object; a segment is two, one after the other', 'assumed'),
  auditShare: one(0.7, '', 'how much of one core the one audit service may be busy', 'assumed'),
  asked: one(0.0001, 'of calls', 'calls that a person is asked about', 'assumed'),
  covered: one(0.001, 'of calls', 'calls that a grant lets through', 'assumed'),
  heldSeconds: one(25, 's', 'an asked call is held open', 'counted'),
  upstreamSeconds: one(0.1, 's', 'Google takes for a call', 'assumed'),
  writesPerAsked: one(30, 'writes', 'documents that a request writes until its receipt, outbox and deliveries included', 'assumed'),
  writesPerCovered: one(8, 'writes', 'documents that the use of a grant writes', 'assumed'),
  beats: one(5.2, 'writes/s', 'heartbeats: 1 of policy, 2 documents of each of 2 approval services; the audit service\'s lease each 5 s', 'counted'),
  watchedBeats: one(5, 'reads/s', 'of those that reach every proxy\'s watch', 'counted'),
  segmentBytes: one(1_048_576, 'bytes', 'a segment is written at this size, or each second', 'counted'),
  requestsOfPerson: one(100, 'a day', 'requests that one approver reads with care', 'assumed'),
  proxyMost: one(20, 'instances', 'terraform\'s default for the proxy', 'counted'),
  concurrency: one(1_000, 'calls', 'Cloud Run gives one instance at a time', 'counted'),
  logSample: one(0.1, 'of calls', 'the load balancer logs, 1 KiB each', 'counted'),
} as const satisfies Readonly<Record<string, Assumption>>

/** The same as plain numbers. */
export type Numbers = Readonly<Record<keyof typeof ASSUMPTIONS, number>>

export const NUMBERS: Numbers = Object.fromEntries(Object.entries(ASSUMPTIONS).map(([name, { value }]) => [name, value])) as Record<keyof typeof ASSUMPTIONS, number>
