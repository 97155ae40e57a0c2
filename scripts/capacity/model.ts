/** From calls a second to instances, writes, bytes and euros, and to what gives way first. Everything is an average over a month of 30 days. */
import type { Numbers } from './assumptions.ts'
import { eurosFor } from './prices.ts'

export const MONTH_SECONDS = 30 * 24 * 3600

export interface Capacity {
  readonly callsPerSecond: number
  readonly proxies: number
  /** Calls in flight at one proxy in the busiest minute. */
  readonly inFlight: number
  readonly recordsPerSecond: number
  readonly batchesPerSecond: number
  readonly auditCores: number
  readonly firestoreWrites: number
  readonly firestoreReads: number
  /** Bytes a second that Pub/Sub bills: published and delivered. */
  readonly pubsubBytes: number
  /** Bytes that the log grows by in a month. */
  readonly logBytes: number
  readonly blobWrites: number
  readonly askedPerDay: number
  readonly approvers: number
  /** Euros a month by what is paid for; the log as it is after one year. */
  readonly euros: Readonly<Record<EuroRow, number>>
}

export type EuroRow = 'Cloud Run' | 'Firestore' | 'Pub/Sub' | 'log, a year of it' | 'KMS' | 'load balancer' | 'Cloud Armor' | 'logging' | 'egress'

/** Calls a second that one proxy takes in its busiest minute. */
export function callsPerProxy({ cpuPerCall, cloudFactor, loopShare }: Numbers): number {
  return loopShare * 1_000_000 / (cpuPerCall * cloudFactor)
}

export function capacityAt(callsPerSecond: number, numbers: Numbers): Capacity {
  const proxies = Math.max(2, Math.ceil(callsPerSecond * numbers.peak / callsPerProxy(numbers)))
  const recordsPerSecond = callsPerSecond * (1 + numbers.changes)
  const batchesPerSecond = batchesAt(recordsPerSecond, proxies, numbers)
  const firestoreWrites = numbers.beats + callsPerSecond * (numbers.asked * numbers.writesPerAsked + numbers.covered * numbers.writesPerCovered)
  const firestoreReads = firestoreWrites + numbers.watchedBeats * proxies
  const published = Math.max(batchesPerSecond * 1_000, batchesPerSecond * numbers.batchHeaderBytes + recordsPerSecond * (numbers.recordBytes + numbers.bodyBytes * 4 / 3))
  const logRate = recordsPerSecond * (numbers.recordBytes + numbers.bodyBytes)
  const segments = Math.max(Math.min(1, recordsPerSecond), logRate / numbers.segmentBytes)
  const askedPerDay = callsPerSecond * numbers.asked * 86_400
  const amounts = { callsPerSecond, proxies, firestoreWrites, firestoreReads, pubsubBytes: 2 * published, logBytes: logRate * MONTH_SECONDS, blobWrites: 2 * segments + Math.min(1, recordsPerSecond) }
  return {
    ...amounts, recordsPerSecond, batchesPerSecond, askedPerDay,
    inFlight: callsPerSecond * numbers.peak / proxies * (numbers.upstreamSeconds + numbers.asked * numbers.heldSeconds),
    auditCores: auditCores(recordsPerSecond * numbers.peak, batchesAt(recordsPerSecond * numbers.peak, proxies, numbers), numbers),
    approvers: Math.ceil(askedPerDay / numbers.requestsOfPerson),
    euros: eurosOf(amounts, numbers),
  }
}

/** A proxy fills a batch for 5 ms, from the first record on. */
function batchesAt(recordsPerSecond: number, proxies: number, { batchMs, batchRecords }: Numbers): number {
  const each = recordsPerSecond / proxies
  const perBatch = Math.min(batchRecords, 1 + each * batchMs / 1_000)
  return recordsPerSecond / perBatch
}

function auditCores(recordsPerSecond: number, batchesPerSecond: number, { auditPerBatch, auditPerRecord }: Numbers): number {
  return (batchesPerSecond * auditPerBatch + recordsPerSecond * auditPerRecord) / 1_000_000
}

type Amounts = Pick<Capacity, 'callsPerSecond' | 'proxies' | 'firestoreWrites' | 'firestoreReads' | 'pubsubBytes' | 'logBytes' | 'blobWrites'>

function eurosOf(amounts: Amounts, { answerBytes, logSample }: Numbers): Capacity['euros'] {
  const month = (perSecond: number, name: Parameters<typeof eurosFor>[0]): number => perSecond * MONTH_SECONDS * eurosFor(name)
  const answers = amounts.callsPerSecond * answerBytes
  // Terraform's sizes: proxy 2 CPUs and 2 GiB; beside it policy 1 and 1, approval twice 1 and 1, audit 2 and 2, notifier and console 1 and 0.5 each.
  const cpus = 2 * amounts.proxies + 7
  const memory = 2 * amounts.proxies + 6
  return {
    'Cloud Run': month(cpus, 'cpu') + month(memory, 'memory'),
    Firestore: month(amounts.firestoreWrites, 'write') + month(amounts.firestoreReads, 'read'),
    'Pub/Sub': month(amounts.pubsubBytes, 'pubsub'),
    'log, a year of it': month(amounts.blobWrites, 'blob') + 12 * amounts.logBytes * eurosFor('storage'),
    KMS: month(Math.min(1, amounts.callsPerSecond), 'signature'),
    'load balancer': month(2 * answers, 'balancer') + month(1, 'rule'),
    'Cloud Armor': month(amounts.callsPerSecond, 'armor'),
    logging: month(amounts.callsPerSecond * logSample * 1_024, 'log'),
    egress: month(answers, 'egress'),
  }
}

export interface Limit {
  readonly what: string
  /** Calls a second at which it is reached. */
  readonly callsPerSecond: number
  readonly then: string
}

/** In the order in which load reaches them. */
export function limitsOf(numbers: Numbers): readonly Limit[] {
  return [
    { what: '10 approvers have no more time', callsPerSecond: 10 * numbers.requestsOfPerson / 86_400 / numbers.asked, then: 'write rules and grants for what they always approve: `lockkeeper approvals load` names the rules' },
    { what: 'the one audit service is busy', callsPerSecond: searchLimit((calls) => capacityAt(calls, numbers).auditCores, numbers.auditShare), then: 'records wait in Pub/Sub, calls go on until batches stay unacknowledged; divide agents among several gateways, each with a log of its own' },
    { what: 'the log\'s bucket does not answer quickly enough for one audit service', callsPerSecond: searchLimit((calls) => peakBatches(calls, numbers), numbers.auditConcurrency / (2 * numbers.blobSeconds)), then: 'the same' },
    { what: `${numbers.proxyMost} proxies are busy`, callsPerSecond: numbers.proxyMost * callsPerProxy(numbers) / numbers.peak, then: 'raise `sizes.proxy.max_instances`' },
  ].sort((a, b) => a.callsPerSecond - b.callsPerSecond)
}

function peakBatches(callsPerSecond: number, numbers: Numbers): number {
  const { recordsPerSecond, proxies } = capacityAt(callsPerSecond, numbers)
  return batchesAt(recordsPerSecond * numbers.peak, proxies, numbers)
}

/** Where a growing function reaches a value, between 1 and 10 million. */
function searchLimit(grows: (calls: number) => number, value: number): number {
  let low = 1
  let high = 10_000_000
  while (high - low > 1) {
    const middle = (low + high) / 2
    if (grows(middle) < value) low = middle
    else high = middle
  }
  return low
}
